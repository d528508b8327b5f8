"""Speed and quality, measured as ratios."""
