"""The order of steps: one file per flow, named by what it does."""
