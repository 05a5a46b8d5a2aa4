"""What arrives of what was sent on one topic, and what its user can do about the rest."""

from __future__ import annotations

from dataclasses import dataclass

from lerobot_drivers.common.clock import NS_PER_S

WINDOW_NS = 3 * NS_PER_S
"""So long is counted before anything is said [ns]."""
TOLD_SHARE = 0.01
"""A smaller share of lost messages is only counted."""
SOCKET_ADVICE = 16 << 20


@dataclass(frozen=True)
class Loss:
    """What was lost of a topic during a window.

    Attributes:
        received_hz: messages that came [1/s].
        sent_hz: messages that were sent [1/s].
    """

    received_hz: float
    sent_hz: float


class Reception:
    """Counts what comes and what does not, window by window; tells a loss once."""

    def __init__(self) -> None:
        self.received = self.lost = 0
        self._since_ns: int | None = None
        self._told = False

    def add(self, lost_before: int) -> None:
        """Count a message, and those lost before it."""
        self.received += 1
        self.lost += lost_before

    def look(self, now_ns: int) -> Loss | None:
        """Return what a window that ends now lost, if it is worth telling and was not told.

        Args:
            now_ns: a time that only goes on [ns].
        """
        if self._since_ns is None:
            self._begin(now_ns)
            return None
        if now_ns - self._since_ns < WINDOW_NS:
            return None
        seconds, sent = (now_ns - self._since_ns) / NS_PER_S, self.received + self.lost
        loss = Loss(self.received / seconds, sent / seconds)
        bad = self.lost > TOLD_SHARE * sent
        self._begin(now_ns)
        tells, self._told = bad and not self._told, bad
        return loss if tells else None

    def _begin(self, now_ns: int) -> None:
        self._since_ns, self.received, self.lost = now_ns, 0, 0


@dataclass(frozen=True)
class Transport:
    """How a topic's messages come.

    Attributes:
        best_effort: lost ones are not sent again.
        large_sockets: this kernel lets us have a receive buffer for pictures.
        variable: what the publisher's environment names its Fast DDS profile by.
        profile: the profile to name there.
    """

    best_effort: bool
    large_sockets: bool
    variable: str
    profile: str


def loss_line(topic: str, loss: Loss, transport: Transport) -> str:
    """Return the line for a user whose messages get lost, with what to do."""
    told = (
        f'{topic}: {loss.received_hz:.1f} messages/s arrive of about {loss.sent_hz:.1f} sent; '
        'the rest is lost on the way'
    )
    if not transport.best_effort:
        return f'{told}: this machine is too busy to take them in; record fewer or smaller ones'
    cures = [
        'let its publisher offer reliable QoS',
        f'start its publisher with {transport.variable}={transport.profile}',
    ]
    if not transport.large_sockets:
        cures.insert(0, f'run "sudo sysctl -w net.core.rmem_max={SOCKET_ADVICE}" here')
    return f'{told} (best effort): ' + ', or '.join(cures)
