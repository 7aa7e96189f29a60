"""The demo: the API beside a local authorization server, for trying everything on one machine.

Nothing outside this package imports it. It binds loopback only, and some of what it does is right
only there: a program that holds the demo's client secret may name any user (`demo_parameters`).
"""
