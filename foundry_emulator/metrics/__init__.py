"""What was called: the counts that Azure Monitor, the 15-day rule and the meter are computed from."""
