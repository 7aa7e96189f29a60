"""The keys that sign tokens, and the file that stores them."""
