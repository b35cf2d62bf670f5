"""Who is on the other end, proxies considered."""

from tocsin.core.egress import Network
from tocsin.http.asgi import Scope, client_address, is_https, is_trusted


class Peer:
    """Reads the address and the scheme of a request; *base_url* https counts as https for cookies."""

    def __init__(self, trusted_proxies: tuple[Network, ...], base_url: str) -> None:
        self._trusted = trusted_proxies
        self._https = base_url.startswith("https://")

    def address(self, scope: Scope) -> str:
        return client_address(scope, self._trusted)

    def is_trusted_proxy(self, scope: Scope) -> bool:
        """Say whether the very machine that opened the connection is one of our reverse proxies."""
        return is_trusted(str((scope.get("client") or ("", 0))[0]), self._trusted)

    def is_https(self, scope: Scope) -> bool:
        return self._https or is_https(scope, self._trusted)
