"""The demo's web application: a confidential client that shows every step of the Hybrid Flow.

It knows neither the authorization server nor the API; it talks to both over HTTP, and works with
any OpenID Connect provider.
"""
