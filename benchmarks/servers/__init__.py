"""Measurements of whole requests: real servers, and wrk in front of them."""
