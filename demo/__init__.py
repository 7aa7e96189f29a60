"""The demo: the API, an authorization server and a web application, all on one machine.

Nothing outside this package imports it. It listens on the loopback address only, and some of it
would be insecure elsewhere: the sign-in page fills in passwords, and any program on this machine
may rotate the keys.
"""
