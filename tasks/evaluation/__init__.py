"""Asking models, and what their answers show of them."""
