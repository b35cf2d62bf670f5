"""Token buckets against guessing and flooding: bounded in number, so that nobody can fill the memory either."""

from collections import OrderedDict

from tocsin.core.clock import Clock
from tocsin.core.errors import RateLimited

MOST_BUCKETS = 10_000


class Limiter:
    """At most *burst* tries at once for each key, then one more every *seconds_each*."""

    def __init__(self, clock: Clock, burst: int, seconds_each: float) -> None:
        self._clock = clock
        self._burst = burst
        self._seconds_each = seconds_each
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def spend(self, key: str) -> None:
        """Take one token of *key*.  Raises RateLimited: there is none left."""
        now = self._clock.monotonic()
        tokens, filled_at = self._buckets.pop(key, (float(self._burst), now))
        tokens = min(self._burst, tokens + (now - filled_at) / self._seconds_each)
        if tokens < 1:
            self._put(key, tokens, now)
            wait = int((1 - tokens) * self._seconds_each) + 1
            raise RateLimited(f"Too many tries; wait {wait} s", retry_after_seconds=wait)
        self._put(key, tokens - 1, now)

    def forgive(self, key: str) -> None:
        """Forget *key*: the try was a good one."""
        self._buckets.pop(key, None)

    def _put(self, key: str, tokens: float, now: float) -> None:
        self._buckets[key] = (tokens, now)
        if len(self._buckets) > MOST_BUCKETS:
            self._buckets.popitem(last=False)
