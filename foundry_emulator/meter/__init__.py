"""What everything would have cost."""
