"""What the project promises, driven and measured on one machine; see docs/reliability.md."""
