"""Benchmarks without a server: verifications, imports, memory."""
