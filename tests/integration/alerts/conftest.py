"""What is wrong, as people see it."""

from typing import Any

from integration.channels.conftest import quick, receiver, sending  # noqa: F401 -- fixtures
from support.program import Program, until


async def alerts(program: Program, query: str = "") -> list[dict[str, Any]]:
    """Return alerts, newest first."""
    answer = await program.client.get(f"/api/v1/alerts{query}")
    assert answer.status == 200, answer.body
    return list(answer.json["alerts"])


async def raised(program: Program, alert_type: str, status: str = "active", timeout_s: float = 20) -> dict[str, Any]:
    """Wait for one alert of a type in a status, and return it."""

    async def look() -> list[dict[str, Any]]:
        return [alert for alert in await alerts(program) if alert["alert_type"] == alert_type]

    found = await until(look, lambda seen: [alert["status"] for alert in seen][:1] == [status], timeout_s)
    return found[0]
