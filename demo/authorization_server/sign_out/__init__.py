"""Sign-out at the request of a client (OpenID Connect RP-Initiated Logout 1.0)."""
