"""`python -m benchmarks [NAME…] [--quick]` runs the measurements named, or all; exit status 1 when a goal is missed.

They run one after the other: two at once would measure each other.
"""

import argparse
import sys
import time
import traceback

from benchmarks import (
    alert_storm,
    check_10000,
    check_history,
    durable_writes,
    list_containers,
    log_lines,
    pings,
    probe_engine,
    sse_fanout,
    start_and_size,
    track_100,
)
from benchmarks.support import Figure, Measure, Skipped
from tocsin.core.logs import configure

ALL: dict[str, Measure] = {
    "list_containers": list_containers.measure,
    "durable_writes": durable_writes.measure,
    "sse_fanout": sse_fanout.measure,
    "log_lines": log_lines.measure,
    "pings": pings.measure,
    "probe_engine": probe_engine.measure,
    "check_10000": check_10000.measure,
    "check_history": check_history.measure,
    "alert_storm": alert_storm.measure,
    "start_and_size": start_and_size.measure,
    "track_100": track_100.measure,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(ALL)}")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds: coarse figures")
    wanted = parser.parse_args()
    unknown = sorted(set(wanted.names) - ALL.keys())
    if unknown:
        parser.error(f"no measurement is called {', '.join(unknown)}; there are {', '.join(ALL)}")
    configure("warning", "console")
    results = [(name, measured(name, quick=wanted.quick)) for name in wanted.names or ALL]
    print("\nsummary")
    for name, result in results:
        print(f"  {name:<18} {summary(result)}")
    return int(any(isinstance(result, Exception) or worst(result) == "over" for _, result in results))


def measured(name: str, *, quick: bool) -> list[Figure] | Exception:
    """Return the figures of one measurement, printed already; what ended it if it has none; none when skipped."""
    print(f"\n{name}", flush=True)
    began = time.monotonic()
    try:
        figures = list(ALL[name](quick))
    except Skipped as exc:
        print(f"  skipped: {exc}")
        return []
    except Exception as exc:  # broad on purpose: the others still run
        traceback.print_exc()
        return exc
    for figure in figures:
        print(f"  {figure}")
    print(f"  ({time.monotonic() - began:.0f} s)", flush=True)
    return figures


def worst(figures: list[Figure] | Exception) -> str:
    verdicts = {"failed"} if isinstance(figures, Exception) else {figure.verdict for figure in figures}
    return next((verdict for verdict in ("failed", "over", "ok") if verdict in verdicts), "skipped")


def summary(result: list[Figure] | Exception) -> str:
    """Return the verdict, and each judged figure against its goal."""
    if isinstance(result, Exception):
        return f"failed   {type(result).__name__}: {result}".splitlines()[0]
    judged = [
        f"{figure.value:.2f} {figure.unit.split()[0]} ({'≥' if figure.at_least else '≤'} {figure.goal:g})"
        for figure in result
        if figure.goal is not None
    ]
    return f"{worst(result):<8} {' · '.join(judged)}"


if __name__ == "__main__":
    sys.exit(main())
