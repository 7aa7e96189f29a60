"""The steps of the Hybrid Flow: sign-in, refresh, revocation, and the call of the API."""
