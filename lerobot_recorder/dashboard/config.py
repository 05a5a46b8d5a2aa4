"""Settings of the dashboard, and where it may listen."""

from __future__ import annotations

import importlib.util
import ipaddress
import os
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from lerobot_drivers.common.config import STRICT_KEYS, build
from lerobot_drivers.common.errors import ConfigError

SECTION = 'dashboard'
TOKEN_VARIABLE = 'LEROBOT_ROS_DASHBOARD_TOKEN'
SHORTEST_TOKEN = 16


@dataclass(frozen=True, kw_only=True)
class DashboardConfig:
    """Where the dashboard listens and who may use it (``--dashboard.*``).

    Attributes:
        host: address it listens on; anything but loopback needs the three below.
        port: its port, 0 takes a free one.
        token: what a browser must know; may be given as ``LEROBOT_ROS_DASHBOARD_TOKEN`` instead,
            which does not show in the list of processes.
        certificate, key: PEM files for TLS.
    """

    __pydantic_config__ = STRICT_KEYS

    host: str = '127.0.0.1'
    port: int = 8000
    token: str = ''
    certificate: Path | None = None
    key: Path | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65535:
            raise ValueError(f'port must be 0 to 65535, found {self.port}')
        if self.token and len(self.token) < SHORTEST_TOKEN:
            raise ValueError(
                f'token must have {SHORTEST_TOKEN} characters or more, found {len(self.token)}; '
                "python3 -c 'import secrets; print(secrets.token_urlsafe())' makes one"
            )
        if (self.certificate is None) != (self.key is None):
            missing = 'key' if self.key is None else 'certificate'
            raise ValueError(f'{missing} is missing: TLS needs a certificate and its key')
        if not self.is_loopback and not (self.token and self.certificate):
            raise ValueError(
                f'host {self.host} can be reached from the network, so it needs '
                '--dashboard.token, --dashboard.certificate and --dashboard.key; or leave the '
                f'host out and look in through: ssh -L {self.port or 8000}:127.0.0.1:'
                f'{self.port or 8000} THIS_MACHINE'
            )

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        return is_loopback(self.host)

    @property
    def url(self) -> str:
        """What a browser is told."""
        scheme = 'https' if self.certificate else 'http'
        host = f'[{self.host}]' if ':' in self.host else self.host
        if _is_any(self.host):
            host = socket.gethostname()
        return f'{scheme}://{host}:{self.port}/'

    def tls(self) -> ssl.SSLContext | None:
        """Return what encrypts, None without a certificate.

        Raises:
            ConfigError: the files cannot be used.
        """
        if self.certificate is None or self.key is None:
            return None
        for name, path in (('certificate', self.certificate), ('key', self.key)):
            try:
                path.expanduser().open('rb').close()
            except OSError as error:
                raise ConfigError(
                    f'dashboard.{name}: cannot read {path}: {error.strerror}'
                ) from error
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        files = (self.certificate.expanduser(), self.key.expanduser())
        try:
            context.load_cert_chain(*files, password=lambda: b'')
        except (ssl.SSLError, ValueError) as error:
            raise ConfigError(
                f'dashboard.certificate {files[0]} and dashboard.key {files[1]} are no pair of '
                f'PEM files without a password: {error}'
            ) from error
        return context


def dashboard_config(
    values: object, environment: Mapping[str, str] | None = None
) -> DashboardConfig:
    """Validate the section ``dashboard``.

    Args:
        values: the section; true, or nothing, takes the defaults.
        environment: where the token may be, by default this process's.

    Raises:
        ConfigError: a key is unknown or wrong, or it may not listen there.
    """
    section = {} if values is True or values is None else values
    if not isinstance(section, Mapping):
        raise ConfigError(
            f'--dashboard is true or false, or has settings such as --dashboard.port, '
            f'found {values!r}'
        )
    token = (os.environ if environment is None else environment).get(TOKEN_VARIABLE)
    given = {'token': token, **section} if token else section
    return build(DashboardConfig, given, SECTION)


def prepare(config: DashboardConfig) -> DashboardConfig:
    """Check early what would fail late, and return the configuration with its port known.

    Raises:
        ConfigError: it cannot listen there, the certificate cannot be used, or aiohttp is missing.
    """
    require_aiohttp()
    config.tls()
    family = socket.AF_INET6 if ':' in config.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((config.host, config.port))
        except OSError as error:
            raise cannot_listen(config, error) from error
        return replace(config, port=int(probe.getsockname()[1]))


def cannot_listen(config: DashboardConfig, error: OSError) -> ConfigError:
    """Return the one line for an address that cannot be had."""
    return ConfigError(
        f'the dashboard cannot listen on {config.host}, port {config.port}: '
        f'{error.strerror or error}; choose another with --dashboard.port, 0 takes a free one'
    )


def require_aiohttp() -> None:
    """Check that the web library is there, without importing it.

    Raises:
        ConfigError: it is not; the message names the extra that brings it.
    """
    if importlib.util.find_spec('aiohttp') is None:
        raise ConfigError(
            "the dashboard needs aiohttp: pip install 'lerobot_ros[dashboard]', or "
            'apt install python3-aiohttp beside a ROS 2 installation'
        )


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine's own and nobody else's way to it."""
    if host == 'localhost':
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_any(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False
