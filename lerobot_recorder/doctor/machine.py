"""Disk, clock, encoder and Hub of a machine: is there what a recording needs?"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from lerobot_drivers.common.clock import NS_PER_S, Clock
from lerobot_drivers.common.errors import LerobotRosError
from lerobot_drivers.common.health import Level
from lerobot_recorder.disk_room import GIB, free_bytes
from lerobot_recorder.encoder_choice import Need, choose, problem
from lerobot_recorder.findings import Finding
from lerobot_recorder.preflight_session import check_folder

LITTLE_GIB, TOO_LITTLE_GIB = 10.0, 1.0
_USUAL = Need(((480, 640), (480, 640)), 30)
_NOT_BEFORE_NS = 1_700_000_000 * NS_PER_S
"""November 2023: a clock that tells an earlier time was never set."""
_TIMEX_BYTES, _UNSYNCHRONISED = 256, 5
_SYSTEMD, _TOKEN_ADVICE = 'timedatectl set-ntp true', 'hf auth login'


def check_disk(folder: Path) -> list[Finding]:
    """Return whether datasets can be written, and how much room there is."""
    writable = check_folder(folder)
    try:
        free_gib = free_bytes(folder) / GIB
    except OSError as error:
        return [writable, Finding(Level.WARN, 'disk', f'does not tell: {error.strerror}')]
    level = Level.OK if free_gib > LITTLE_GIB else Level.WARN
    level = level if free_gib > TOO_LITTLE_GIB else Level.ERROR
    advice = '' if level is Level.OK else 'free some, or name another --dataset.root'
    return [writable, Finding(level, 'disk', f'{free_gib:.1f} GiB free at {folder}', advice)]


def clock_is_synchronised() -> bool | None:
    """Return whether the kernel's clock follows another one, None if it does not tell."""
    try:
        told = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    except (OSError, AttributeError):
        return None
    return None if told < 0 else bool(told != _UNSYNCHRONISED)


def check_clock(
    clock: Clock, is_synchronised: Callable[[], bool | None] = clock_is_synchronised
) -> Finding:
    """Return whether stamps of this machine mean something to others.

    Args:
        clock: of stamps.
        is_synchronised: whether it follows another clock.
    """
    if clock.now_ns() < _NOT_BEFORE_NS:
        return Finding(Level.ERROR, 'clock', 'tells a time long past', f'sudo {_SYSTEMD}')
    synchronised = is_synchronised()
    if synchronised is False:
        told = 'follows no other clock: stamps of several machines do not fit together'
        return Finding(Level.WARN, 'clock', told, f'with several machines: sudo {_SYSTEMD}')
    told = 'follows a time server' if synchronised else 'does not tell whether it is set'
    return Finding(Level.OK, 'clock', told)


def check_encoder(need: Need = _USUAL) -> Finding:
    """Return how two usual cameras would be encoded; it is tried."""
    try:
        config = choose({}, need)
        wrong = problem(config, need)
    except LerobotRosError as error:
        wrong = str(error)
    if wrong is not None:
        advice = "pip install --force-reinstall 'av>=15' brings the encoders"
        return Finding(Level.ERROR, 'encoder', wrong, advice)
    level = Level.WARN if 'too much' in config.why else Level.OK
    return Finding(level, 'encoder', f'{config.told()} ({config.why})')


def ask_hub() -> dict[str, Any]:
    """Return what the Hub knows of whose token is here.

    Raises:
        HubError: it does not tell; says why, and what to do.
    """
    from lerobot_recorder.hub.job import Job
    from lerobot_recorder.hub.repository import Repository, open_api

    # Which dataset does not matter for who asks.
    return Repository(Job(Path(), 'nobody/nothing'), open_api()).account()


def check_hub(
    environment: Mapping[str, str], account: Callable[[], Mapping[str, Any]] = ask_hub
) -> Finding:
    """Return whether datasets can be uploaded.

    Args:
        environment: variables of the process.
        account: asks the Hub who we are.
    """
    if environment.get('HF_HUB_OFFLINE', '').upper() in ('1', 'ON', 'YES', 'TRUE'):
        told = 'not asked, HF_HUB_OFFLINE is set'
        return Finding(Level.OK, 'hub', told, 'unset it to upload')
    try:
        found = account()
    except LerobotRosError as error:
        return Finding(Level.WARN, 'hub', str(error), 'needed only to upload datasets')
    token = (found.get('auth') or {}).get('accessToken') or {}
    if token.get('role') == 'read':
        told = f'the token of {found["name"]} may only read'
        return Finding(Level.WARN, 'hub', told, f'make one that may write, then: {_TOKEN_ADVICE}')
    return Finding(Level.OK, 'hub', f'logged in as {found["name"]}')
