"""Do publishers and subscribers of a running graph hear each other? What DDS demands, in words.

A subscriber that asks for more than a publisher offers gets nothing of it, and no error either
(https://docs.ros.org/en/jazzy/Concepts/Intermediate/About-Quality-of-Service-Settings.html).
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lerobot_drivers.common.clock import NS_PER_S
from lerobot_drivers.common.health import Level
from lerobot_recorder.findings import Finding

PROBE = 'lerobot_recorder.ros_qos_probe'
PROBE_TIMEOUT_S = 30.0


@dataclass(frozen=True)
class Endpoint:
    """One publisher or subscriber, with what it offers or asks for.

    Attributes:
        node: full name of its node.
        reliable: whether lost messages are sent again.
        latched: whether who comes late gets what was said last.
        deadline_ns: longest time between two messages; 0 is none [ns].
        manual: whether its liveliness is asserted by topic, else automatically.
        lease_ns: how long it counts as alive without a sign; 0 is for ever [ns].
    """

    node: str
    reliable: bool = True
    latched: bool = False
    deadline_ns: int = 0
    manual: bool = False
    lease_ns: int = 0


@dataclass(frozen=True)
class Topic:
    """All ends of one topic.

    Attributes:
        publishers: of it.
        subscribers: to it.
    """

    publishers: tuple[Endpoint, ...]
    subscribers: tuple[Endpoint, ...]


def ask_graph() -> dict[str, Topic]:
    """Return the topics of the running graph; a process of its own joins it and looks.

    Raises:
        OSError: it could not be started.
        subprocess.SubprocessError: it failed, or did not end.
        ValueError: it told something else.
    """
    asked = subprocess.run(
        [sys.executable, '-m', PROBE],
        capture_output=True,
        text=True,
        timeout=PROBE_TIMEOUT_S,
        check=True,
    )
    return parse(json.loads(asked.stdout.splitlines()[-1]))


def parse(told: Mapping[str, Any]) -> dict[str, Topic]:
    """Return topics from what the probe tells of them."""
    return {
        name: Topic(*(tuple(Endpoint(**end) for end in ends) for ends in both))
        for name, both in told.items()
    }


def check_graph(ask: Callable[[], Mapping[str, Topic]] = ask_graph) -> list[Finding]:
    """Return who does not hear whom in the running graph.

    Args:
        ask: tells of its topics.
    """
    try:
        topics = ask()
    except (OSError, subprocess.SubprocessError, ValueError, IndexError, TypeError) as error:
        told = str(getattr(error, 'stderr', '') or error).strip().splitlines()
        return [Finding(Level.WARN, 'graph', f'could not be looked at: {told[-1]}')]
    found = [finding for name in sorted(topics) for finding in check_topic(name, topics[name])]
    nodes = {
        end.node for topic in topics.values() for ends in vars(topic).values() for end in ends
    }
    looked = f'looked at {len(topics)} topics of {len(nodes)} nodes'
    if found:
        return [*found, Finding(Level.OK, 'graph', f'{looked}; all others fit')]
    none = '' if topics else '; none is running in this domain'
    return [Finding(Level.OK, 'graph', f'{looked}: publishers and subscribers fit{none}')]


def check_topic(name: str, topic: Topic) -> list[Finding]:
    """Return which publishers of a topic which of its subscribers do not hear, and why."""
    return [
        Finding(
            Level.ERROR,
            name,
            f'{subscriber.node} hears nothing of {publisher.node}: {why}',
            advice,
        )
        for publisher in topic.publishers
        for subscriber in topic.subscribers
        for why, advice in _mismatches(publisher, subscriber)
    ]


def _mismatches(offers: Endpoint, asks: Endpoint) -> Sequence[tuple[str, str]]:
    """Return what does not fit, and what to do."""
    either = f'{{}} in {asks.node}, or {{}} in {offers.node}'
    found = []
    if asks.reliable and not offers.reliable:
        told = 'reliability: it asks for reliable, best effort is offered'
        found.append((told, either.format('subscribe best effort', 'publish reliable')))
    if asks.latched and not offers.latched:
        told = 'durability: it asks for transient local, volatile is offered'
        found.append((told, either.format('subscribe volatile', 'publish transient local')))
    if asks.deadline_ns and not 0 < offers.deadline_ns <= asks.deadline_ns:
        told = f'deadline: it asks for {_time(asks.deadline_ns)}, {_time(offers.deadline_ns)} is'
        cure = either.format('ask for no deadline', f'offer {_time(asks.deadline_ns)} or less')
        found.append((f'{told} offered', cure))
    if asks.manual and not offers.manual:
        told = 'liveliness: it asks for manual by topic, automatic is offered'
        found.append((told, either.format('ask for automatic', 'offer manual by topic')))
    if asks.lease_ns and not 0 < offers.lease_ns <= asks.lease_ns:
        told = f'liveliness: it asks for a lease of {_time(asks.lease_ns)}, '
        cure = either.format('ask for no lease', f'offer {_time(asks.lease_ns)} or less')
        found.append((f'{told}{_time(offers.lease_ns)} is offered', cure))
    return found


def _time(duration_ns: int) -> str:
    return f'{duration_ns / NS_PER_S:g} s' if duration_ns else 'none'
