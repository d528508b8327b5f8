"""Judgement about what answers in production: tiers, recipes, the way back."""
