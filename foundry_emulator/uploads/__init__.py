"""Large files, brought in parts."""
