"""The command `tocsin` with heartbeats that may be expected every second: for tests in real time."""

from datetime import timedelta

from tocsin.cli import main
from tocsin.heartbeats import rules, wishes

wishes.SHORTEST_INTERVAL_SECONDS = 1  # type: ignore[misc]
rules.SHORTEST_EXTENSION = timedelta(seconds=2)
main()
