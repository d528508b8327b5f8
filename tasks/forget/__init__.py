"""Images that are to be forgotten, and their bytes erased."""
