"""The client asks to end the sign-in (OpenID Connect RP-Initiated Logout 1.0)."""
