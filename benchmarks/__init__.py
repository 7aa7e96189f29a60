"""How fast the guard is: ratios of what was measured side by side; see README.md."""
