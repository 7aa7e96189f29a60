"""`/authorize`: the authorization request, sign-in, consent, and the authorization response."""
