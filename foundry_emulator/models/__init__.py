"""The models that exist."""
