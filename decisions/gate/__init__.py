"""What the gate looks at: answers laid side by side, cohorts that a chain of models forgets."""
