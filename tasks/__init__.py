"""Prefect tasks: one step of work each, found again rather than repeated when a run is started anew."""
