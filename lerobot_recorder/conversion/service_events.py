"""Service events: what ROS tells of calls on ``<service>/_service_event`` (REP 2012).

Their layout is known, so no definition of the service is needed:
``service_msgs/ServiceEventInfo``, then at most one request and at most one response. Of both only
what matters here is looked at: the ``success`` that a response of Trigger and SetBool begins
with, and SetBool's ``data``.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from lerobot_drivers.common.errors import StreamError
from lerobot_recorder.bags.topics import SERVICE_EVENTS as EVENTS
from lerobot_recorder.messages import RawMessage

__all__ = ['EVENTS', 'Call', 'ServiceCalls', 'ServiceEvent', 'parse', 'service_of']
_SENT, _RECEIVED = 0, 1
"""``event_type``: the client sent a request, the server received it (2 and 3: and so back)."""
_BODY = 4
_SET_BOOL, _TRIGGER = 'std_srvs/srv/SetBool_Event', 'std_srvs/srv/Trigger_Event'
_SEQUENCE_AT, _REQUESTS_AT = _BODY + 32, _BODY + 40


@dataclass(frozen=True)
class ServiceEvent:
    """One event of one call.

    Attributes:
        kind: 0 request sent, 1 received, 2 response sent, 3 received.
        call: client and number of the call.
        data: what a request of SetBool asks for, None if it is none or is not told.
        success: what a response says, None if it is none or is not told.
    """

    kind: int
    call: tuple[bytes, int]
    data: bool | None = None
    success: bool | None = None


@dataclass(frozen=True)
class Call:
    """A call of a service that was not refused.

    Attributes:
        at_ns: when the request was there [ns].
        flag: what SetBool asked for, None for others.
    """

    at_ns: int
    flag: bool | None


class ServiceCalls:
    """Gathers the calls of one service.

    Client and server may both have told of each, under different names of the client: what the
    server told counts, if it told anything.

    Args:
        msgtype: type of its events.
    """

    def __init__(self, msgtype: str) -> None:
        self._msgtype = msgtype
        self._asked: dict[int, dict[tuple[bytes, int], Call]] = {_SENT: {}, _RECEIVED: {}}
        self._refused: set[tuple[bytes, int]] = set()

    def add(self, raw: RawMessage) -> None:
        """Take in an event.

        Raises:
            StreamError: it cannot be read.
        """
        event = parse(raw)
        if event.success is False:
            self._refused.add(event.call)
        if event.kind in self._asked:
            self._asked[event.kind].setdefault(event.call, Call(raw.received_ns, event.data))

    def done(self) -> Iterator[Call]:
        """Yield the calls that were not refused."""
        calls = self._asked[_RECEIVED] or self._asked[_SENT]
        yield from (asked for call, asked in calls.items() if call not in self._refused)


def service_of(topic: str) -> str:
    """Return the last part of a service's name, by the topic of its events."""
    return topic.removesuffix(EVENTS).rpartition('/')[2].lower()


def parse(raw: RawMessage) -> ServiceEvent:
    """Return an event.

    Raises:
        StreamError: the bytes are none.
    """
    data = raw.data
    order = '<' if len(data) > 1 and data[1] & 1 else '>'
    try:
        kind = data[_BODY]
        gid = bytes(data[_BODY + 12 : _BODY + 28])
        (number,) = struct.unpack_from(f'{order}q', data, _SEQUENCE_AT)
        (requests,) = struct.unpack_from(f'{order}I', data, _REQUESTS_AT)
        asked = bool(data[_REQUESTS_AT + 4]) if requests else None
        success = _success(data, order) if raw.msgtype in (_SET_BOOL, _TRIGGER) else None
    except (IndexError, struct.error) as error:
        raise StreamError(f'{raw.topic}: not a valid service event: {error}') from error
    is_flag = raw.msgtype == _SET_BOOL and kind in (_SENT, _RECEIVED)
    return ServiceEvent(kind, (gid, number), asked if is_flag else None, success)


def _success(data: bytes, order: str) -> bool | None:
    """Return the flag a response begins with; both services' requests are one byte long."""
    (requests,) = struct.unpack_from(f'{order}I', data, _REQUESTS_AT)
    responses_at = _REQUESTS_AT + 4 + (4 if requests else 0)
    (responses,) = struct.unpack_from(f'{order}I', data, responses_at)
    return bool(data[responses_at + 4]) if responses else None
