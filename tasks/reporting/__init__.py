"""Pages, pictures and artifacts."""
