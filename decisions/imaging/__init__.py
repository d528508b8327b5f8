"""Pictures: what a file is, what the model sees of it, its facts, its likeness to others, and changed copies."""
