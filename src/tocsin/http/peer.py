"""Who is on the other end, proxies considered."""

from tocsin.core.egress import Network
from tocsin.http.asgi import Scope, client_address, is_https


class Peer:
    """Reads the address and the scheme of a request; *base_url* https counts as https for cookies."""

    def __init__(self, trusted_proxies: tuple[Network, ...], base_url: str) -> None:
        self._trusted = trusted_proxies
        self._https = base_url.startswith("https://")

    def address(self, scope: Scope) -> str:
        return client_address(scope, self._trusted)

    def is_https(self, scope: Scope) -> bool:
        return self._https or is_https(scope, self._trusted)
