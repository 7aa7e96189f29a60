"""The processes that a drill starts."""
