"""What really learns: image features, a classifier, and the process that trains it."""
