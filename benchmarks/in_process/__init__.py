"""Measurements within one process: no server, no socket."""
