"""Answers of deployed models."""
