"""New examples: what gets in and why not, copies and conflicts, groups and splits."""
