"""The OpenID provider, as a client speaks to it: its metadata, the requests and the answers."""
