"""What a program has said, read from its database: also while nobody can reach it, and after it was killed."""

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass
class Journal:
    """Of the program with this data folder. Ids of endpoints are turned into names by `names`."""

    data_dir: Path
    names: dict[int, str]

    def rows(self, sql: str, *arguments: Any) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.data_dir / "tocsin.db", timeout=20)) as connection:
            return connection.execute(sql, arguments).fetchall()

    @property
    def last_id(self) -> int:
        return int(self.rows("SELECT coalesce(max(id), 0) FROM events")[0][0])

    def events(self, kind: str, after: int = 0) -> list[dict[str, Any]]:
        """Return the data of events whose type is like *kind*, oldest first."""
        found = self.rows("SELECT type, data FROM events WHERE type LIKE ? AND id > ? ORDER BY id", kind, after)
        return [{"type": kind, **json.loads(data)} for kind, data in found]

    def changes(self, after: int = 0) -> list[tuple[str, str, str | None]]:
        """Return (name, new status, error) of each change of an endpoint's status."""
        return [
            (self.names[one["endpoint_id"]], one["new_status"], one.get("error"))
            for one in self.events("endpoint.status_changed", after)
        ]

    def statuses(self) -> dict[str, str]:
        """Return how each endpoint stands, by name; those never judged are `unknown`."""
        found = dict.fromkeys(self.names.values(), "unknown")
        for name, status, _ in self.changes():
            found[name] = status
        return found

    def alerts(self, after: int = 0) -> list[tuple[str, str, str]]:
        """Return (event, alert type, entity) of what rang and ended."""
        return [
            (one["type"].removeprefix("alert."), one["alert_type"], one["entity_name"])
            for one in self.events("alert.%", after)
        ]

    def checks(self) -> dict[str, list[int]]:
        """Return when the checks that are not packed yet began (unix ms), by name, in order."""
        found: dict[str, list[int]] = {name: [] for name in self.names.values()}
        for endpoint_id, at_ms in self.rows("SELECT endpoint_id, at_ms FROM endpoint_checks ORDER BY at_ms"):
            found[self.names[endpoint_id]].append(at_ms)
        return found
