"""Repeatable measurements: each is a ratio to a limit taken in the same run. `python -m benchmarks` runs them all."""
