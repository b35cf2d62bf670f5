"""The kinds of monitors that alerts are about. A new kind is a class of this shape, and one line in `app.py`."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from tocsin.alerts.models import Signal
from tocsin.core.events import Event
from tocsin.db.tx import Read


class Kind(Protocol):
    """What one kind of monitor means for alerting. It looks at the database, in the transaction at hand; SQL only.

    `name` is that of its reaction. `causes` are its alert types below which others are listed; `absorbed_by` says
    which of its types join which other that is open on the same thing.
    """

    @property
    def name(self) -> str: ...
    @property
    def facts(self) -> tuple[type[Event], ...]: ...
    @property
    def causes(self) -> frozenset[str]: ...
    @property
    def absorbed_by(self) -> Mapping[str, str]: ...

    def entity_of(self, fact: Event) -> str:
        """Return whose alerts *fact* concerns, such as `container:12`."""

    def signals(self, read: Read, fact: Event, now: datetime) -> list[Signal]:
        """Return what *fact* raises and clears."""

    def current(self, read: Read, entity: str, now: datetime) -> list[Signal]:
        """Return what must hold for *entity* as it is now, after a fact about it could not be dealt with."""
