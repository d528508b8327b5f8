"""Data contracts: what changed between two of them and whether that breaks, limits and guideline drawn from images."""
