"""Values that must never be seen: their `repr` is `***`, so no log line or error shows them by accident."""

import hmac

MASK = "***"


class Secret:
    """A password, token or URL with one inside. Call `reveal` only where it is used."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def equals(self, other: str) -> bool:
        """Compare in constant time."""
        return hmac.compare_digest(self._value.encode(), other.encode())

    def __repr__(self) -> str:
        return MASK

    __str__ = __repr__
