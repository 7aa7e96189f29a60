"""One module for each migration. Never edit a released one."""
