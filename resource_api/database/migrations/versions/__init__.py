"""One module per step; what was released is never edited."""
