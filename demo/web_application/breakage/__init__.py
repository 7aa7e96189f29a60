""" "Break it": one thing is changed, and the page shows who refuses it."""
