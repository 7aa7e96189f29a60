"""What the pages of the demo share: how they are rendered, how they look, what browsers may do."""
