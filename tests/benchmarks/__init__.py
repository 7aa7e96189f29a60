"""Tests of what the drills are made of."""
