"""The OpenID provider: its metadata, its endpoints, and the requests that this client sends."""
