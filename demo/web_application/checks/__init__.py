"""The checks of a sign-in, and the tokens that they look at."""
