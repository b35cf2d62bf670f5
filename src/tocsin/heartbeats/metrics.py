"""What Prometheus reads about heartbeats."""

from collections.abc import Iterable

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from tocsin.heartbeats.intake import Intake
from tocsin.heartbeats.watch import DeadlineWatch


class HeartbeatCollector(Collector):
    """Called from a thread: it looks at numbers, and changes nothing."""

    def __init__(self, intake: Intake, deadlines: DeadlineWatch) -> None:
        self._intake = intake
        self._deadlines = deadlines

    def collect(self) -> Iterable[Metric]:
        yield CounterMetricFamily("tocsin_pings", "Pings of heartbeats taken since the start", value=self._intake.taken)
        yield CounterMetricFamily(
            "tocsin_pings_limited", "Pings that counted but left no row, being too many", value=self._intake.limited
        )
        yield GaugeMetricFamily(
            "tocsin_deadline_lag_seconds", "How late the last deadline was noticed", value=self._deadlines.late_s
        )
