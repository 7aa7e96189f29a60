"""Promises under rotation, outage, flood and attack, driven with real processes on loopback."""
