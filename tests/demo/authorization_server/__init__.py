"""The authorization server of the demo."""
