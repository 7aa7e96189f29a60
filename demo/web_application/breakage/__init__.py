""" "Break it": attacks that change one thing, and the verdict of the party that must refuse it."""
