"""What every record looks like: the words of the loop as types, the data contracts, the dated provider facts."""
