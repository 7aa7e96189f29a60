"""The checks of a sign-in: of the authorization response, the token response and the ID tokens."""
