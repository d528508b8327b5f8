"""Batches: many questions in one file, answered in the background by a base model."""
