"""Measures how fast the guard is, as ratios of subjects that run side by side; see README.md."""

from pathlib import Path

ROOT = Path(__file__).parent.parent
"""The checkout."""
