"""Tokens: how they are issued, and the endpoints `/oauth/token`, `/userinfo` and others."""
