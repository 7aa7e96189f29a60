"""The steps of the Hybrid Flow: sign-in, refresh, and the call of the API."""
