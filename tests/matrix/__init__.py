"""The test of every framework on every server and Python, and the table of its result."""
