"""When to try again what was not accepted. Pure.  Source: docs/notifications.md, retries."""

from datetime import datetime, timedelta

WAITS_S = (5.0, 30.0, 120.0, 600.0)
LATER_S = 1800.0
GIVE_UP_AFTER = timedelta(hours=24)
SPREAD = 0.2


def next_attempt(
    attempts: int, created_at: datetime, now: datetime, wait_s: float | None, chance: float
) -> datetime | None:
    """Return when to try again after *attempts* failures, None when it is time to give up.

    *wait_s* is what the other side asked for; *chance*, from 0 to 1, spreads the waits by a fifth either way.
    """
    if now - created_at >= GIVE_UP_AFTER:
        return None
    planned = WAITS_S[attempts - 1] if attempts <= len(WAITS_S) else LATER_S
    spread = planned * (1 - SPREAD + 2 * SPREAD * chance)
    return now + timedelta(seconds=max(spread, wait_s or 0.0))
