"""What was measured: results, and their tables and plots."""
