"""Tests with real processes on loopback: key rotation, outages, floods, hostile clients."""
