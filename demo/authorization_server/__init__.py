"""The demo's authorization server: the party of the Hybrid Flow that signs in and gives tokens.

It knows neither the API nor the web application; both talk to it over HTTP as to anybody's.
"""
