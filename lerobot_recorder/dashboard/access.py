"""Who may use the dashboard: plain decisions about headers, tokens and cookies.

What each one is against is said in docs/decisions/0013-dashboard.md.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from urllib.parse import urlsplit

from lerobot_recorder.dashboard.config import DashboardConfig, is_loopback


@dataclass(frozen=True)
class Access:
    """The rules of one dashboard.

    Attributes:
        config: where it listens.
    """

    config: DashboardConfig

    @property
    def cookie_name(self) -> str:
        """Name of the cookie; browsers send those of all ports of a host."""
        return f'lerobot_dashboard_{self.config.port}'

    @property
    def cookie(self) -> str:
        """What the cookie holds: proof of the token, not the token."""
        return hmac.new(self.config.token.encode(), b'cookie', hashlib.sha256).hexdigest()

    def knows_host(self, host: str | None) -> bool:
        """Return whether a ``Host`` header names this machine, as a rebound name would not.

        Where the network can reach us the certificate and the cookie are bound to the name.
        """
        if not self.config.is_loopback:
            return bool(host)
        name = _host_name(host)
        return name is not None and is_loopback(name)

    def is_own_origin(self, origin: str | None, host: str | None) -> bool:
        """Return whether an ``Origin`` header is a page of ours."""
        scheme = 'https' if self.config.certificate else 'http'
        return host is not None and origin == f'{scheme}://{host}'

    def knows_token(self, token: str) -> bool:
        """Return whether a token is the right one, in a time that does not depend on it."""
        return hmac.compare_digest(token.encode(), self.config.token.encode())

    def lets_in(self, cookie: str | None) -> bool:
        """Return whether a browser with that cookie may look and speak."""
        if not self.config.token:
            return True
        return hmac.compare_digest((cookie or '').encode(), self.cookie.encode())


def _host_name(host: str | None) -> str | None:
    try:
        return urlsplit(f'//{host}').hostname if host else None
    except ValueError:
        return None
