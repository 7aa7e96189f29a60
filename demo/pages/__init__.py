"""What all pages of the demo share: rendering, layout, style sheet and security headers."""
