"""Giving tokens, and the endpoints that take them: `/oauth/token`, `/userinfo` and others."""
