"""`/authorize`: from the authorization request to its answer, with sign-in and consent between."""
