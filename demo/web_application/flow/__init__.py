"""The steps after the answer: sign-in, refreshing, revocation, calling the API."""
