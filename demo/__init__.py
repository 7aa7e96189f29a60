"""The demo: the API beside an authorization server and a web application, all on one machine.

Nothing outside this package imports it. It binds loopback only, and some of what it does is right
only there: the sign-in page fills in passwords, and anybody on this machine may rotate the keys.
"""
