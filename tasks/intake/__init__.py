"""What is delivered: the inbox, the data contract over it, what was taken and what was refused."""
