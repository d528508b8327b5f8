"""How flows start: the `kaizen` command line, the demo, and the processes that they run."""
