"""Files: uploaded, checked, kept, deleted."""
