"""The SDK's connection to a Reachy 2, and each state as it came, whole and with its time.

The SDK copies every state of the robot's stream into its joints one by one, without telling
when; who reads them may read half of one and half of the next.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

from reachy2_sdk import ReachySDK

from lerobot_drivers.common.clock import Clock

OnState = Callable[[Any, int], None]


class TappedStub:
    """A stub of the robot's service that shows the states of its stream to another, too."""

    def __init__(self, stub: Any, on_state: OnState, clock: Clock) -> None:
        self._stub = stub
        self._on_state = on_state
        self._clock = clock

    def StreamReachyState(self, request: Any) -> Iterator[Any]:  # noqa: N802, the API's name
        """Return the stream."""
        for state in self._stub.StreamReachyState(request):
            self._on_state(state, self._clock.now_ns())
            yield state


class TappedReachy(ReachySDK):  # type: ignore[misc, unused-ignore]
    """The SDK's robot; ``latest`` is the state that came last, and when.

    Args:
        host: address of the robot.
        clock: of the states' times.
    """

    def __new__(cls, host: str, clock: Clock) -> TappedReachy:
        """Return the one of this host; the SDK keeps them."""
        reachy: TappedReachy = super().__new__(cls, host)
        return reachy

    def __init__(self, host: str, clock: Clock) -> None:
        self._tap_clock = clock
        self._tap_news = threading.Condition()
        self._tap_latest: tuple[Any, int] | None = None
        super().__init__(host)

    def wait_for_state(self, timeout_s: float) -> tuple[Any, int]:
        """Return the latest state and when it came [ns]; waits for the first.

        Raises:
            ConnectionError: none has come.
        """
        with self._tap_news:
            if not self._tap_news.wait_for(lambda: self._tap_latest is not None, timeout_s):
                raise ConnectionError(f'it sent no state within {timeout_s:g} s')
            assert self._tap_latest is not None
            return self._tap_latest

    @property
    def description(self) -> Any:
        """What there is of the robot: the API's message ``Reachy``."""
        return self._robot

    def send_components(self, commands: Any) -> None:
        """Send goals as they are; the SDK itself sends none to what is limp."""
        self._stub.SendComponentsCommands(commands)

    def _get_stream_update_loop(self, reachy_stub: Any, freq: float) -> None:
        super()._get_stream_update_loop(
            TappedStub(reachy_stub, self._on_state, self._tap_clock), freq
        )

    def _on_state(self, state: Any, stamp_ns: int) -> None:
        with self._tap_news:
            self._tap_latest = (state, stamp_ns)
            self._tap_news.notify_all()
