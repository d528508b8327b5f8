"""Fine-tuning: whether, from where, on what, at what price, what came of it, and which checkpoint goes on."""
