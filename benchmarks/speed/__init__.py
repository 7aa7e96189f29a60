"""How much time the guard takes, as ratios of what was measured side by side; see README.md."""
