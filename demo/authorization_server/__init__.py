"""The demo's authorization server: signs users in and issues tokens.

It imports neither the API nor the web application: both use it over HTTP, like any other server.
"""
