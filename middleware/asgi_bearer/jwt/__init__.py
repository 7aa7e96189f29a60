"""What is known of JWTs beside the checks themselves: their kinds, and what a verifier is told."""
