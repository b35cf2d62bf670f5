"""What Prometheus reads about endpoints, at the moment somebody asks."""

from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

from tocsin.endpoints.checker import Checker
from tocsin.endpoints.models import EndpointStatus
from tocsin.endpoints.monitors import Monitor, Monitors
from tocsin.endpoints.rules import GOOD, shown_target

LABELS = ("id", "name", "container", "type", "target")


class EndpointCollector(Collector):
    """Called from a thread: it looks at copies, and changes nothing."""

    def __init__(self, monitors: Monitors, checker: Checker, lost: Callable[[], int]) -> None:
        self._monitors = monitors
        self._checker = checker
        self._lost = lost

    def collect(self) -> Iterable[Metric]:
        monitors = [one for one in list(self._monitors) if one.endpoint.is_checked]
        yield from _families(monitors)
        late = self._checker.lateness
        bounds = [*map(str, late.BOUNDS), "+Inf"]
        yield HistogramMetricFamily(
            "tocsin_check_lateness_seconds",
            "How late checks of endpoints begin",
            buckets=list(zip(bounds, accumulate(late.counts), strict=True)),
            sum_value=late.total,
        )
        yield CounterMetricFamily(
            "tocsin_checks_discarded",
            "Failures not counted because Tocsin itself had stood still",
            value=self._checker.discarded,
        )
        yield CounterMetricFamily(
            "tocsin_checks_dropped", "Checks that could not be stored", value=self._checker.dropped
        )
        yield GaugeMetricFamily(
            "tocsin_networks_lost", "Kinds of network that Tocsin itself cannot reach", value=self._lost()
        )


def _families(monitors: Iterable[Monitor]) -> Iterator[Metric]:
    up = GaugeMetricFamily("tocsin_endpoint_up", "1 up or degraded, 0 down; absent while unknown", labels=LABELS)
    alerting = GaugeMetricFamily("tocsin_endpoint_alerting", "1 while its alert is open", labels=LABELS)
    took = GaugeMetricFamily("tocsin_endpoint_response_seconds", "Response time of the last check", labels=LABELS)
    for one in monitors:
        endpoint, standing = one.endpoint, one.standing
        labels = (
            str(endpoint.id),
            endpoint.name or "",
            endpoint.container_name,
            endpoint.endpoint_type.value,
            shown_target(endpoint.target),
        )
        if standing.status is not EndpointStatus.UNKNOWN:
            up.add_metric(labels, float(standing.status in GOOD))
        alerting.add_metric(labels, float(one.is_alerting))
        if standing.last_response_time_ms is not None:
            took.add_metric(labels, standing.last_response_time_ms / 1000)
    yield from (up, alerting, took)
