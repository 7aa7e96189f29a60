"""The demo's web application: a confidential client that shows every step of the Hybrid Flow.

It imports nothing of the authorization server and the API: it calls both over HTTP, and works with
any OpenID Connect provider.
"""
