"""What is checked in each cell of the matrix."""
