"""Example subjects for Kaizen, each drawing its own labeled images."""
