"""Yields the routes of an application, one module per framework; none imports its framework."""
