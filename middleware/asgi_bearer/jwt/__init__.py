"""What an access token must be: its claims, its signature, and the verifier that asks for both."""
