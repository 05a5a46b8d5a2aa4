"""Who does not hear whom in a graph, and what to do; the graph itself: test/nodes."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lerobot_drivers.common.health import Level
from lerobot_recorder.doctor import qos
from lerobot_recorder.doctor.qos import Endpoint, Topic, ask_graph, check_graph, check_topic

CAMERA, VIEWER = Endpoint('/camera'), Endpoint('/viewer')
SECOND = 10**9


def texts(offers: dict[str, Any], asks: dict[str, Any]) -> list[str]:
    topic = Topic((replace(CAMERA, **offers),), (replace(VIEWER, **asks),))
    return [finding.text for finding in check_topic('/image', topic)]


@pytest.mark.parametrize(
    ('offers', 'asks', 'why'),
    [
        ({'reliable': False}, {}, 'reliability: it asks for reliable, best effort is offered'),
        ({}, {'latched': True}, 'durability: it asks for transient local, volatile is offered'),
        ({}, {'deadline_ns': SECOND}, 'deadline: it asks for 1 s, none is offered'),
        (
            {'deadline_ns': 2 * SECOND},
            {'deadline_ns': SECOND},
            'deadline: it asks for 1 s, 2 s is offered',
        ),
        ({}, {'manual': True}, 'liveliness: it asks for manual by topic, automatic is offered'),
        ({}, {'lease_ns': SECOND}, 'liveliness: it asks for a lease of 1 s, none is offered'),
    ],
)
def test_who_asks_for_more_than_is_offered_hears_nothing(
    offers: dict[str, Any], asks: dict[str, Any], why: str
) -> None:
    assert texts(offers, asks) == [f'/viewer hears nothing of /camera: {why}']


@pytest.mark.parametrize(
    ('offers', 'asks'),
    [
        ({}, {'reliable': False}),
        ({'latched': True}, {}),
        ({'deadline_ns': SECOND}, {}),
        ({'deadline_ns': SECOND}, {'deadline_ns': SECOND}),
        ({'manual': True, 'lease_ns': SECOND}, {'lease_ns': 2 * SECOND}),
    ],
)
def test_who_asks_for_less_hears_all(offers: dict[str, Any], asks: dict[str, Any]) -> None:
    assert texts(offers, asks) == []


def test_topic_both_nodes_policy_and_cure_are_told() -> None:
    best_effort = replace(CAMERA, reliable=False)
    fits = Topic((CAMERA,), (VIEWER,))
    found = check_graph(lambda: {'/image': Topic((best_effort,), (VIEWER,)), '/fits': fits})
    assert [(finding.level, finding.subject) for finding in found] == [
        (Level.ERROR, '/image'),
        (Level.OK, 'graph'),
    ]
    assert found[0].advice == 'subscribe best effort in /viewer, or publish reliable in /camera'
    assert found[1].text == 'looked at 2 topics of 2 nodes; all others fit'


def test_without_a_graph_it_says_what_it_looked_at() -> None:
    (found,) = check_graph(dict)
    assert found.level is Level.OK
    assert found.text.startswith('looked at 0 topics of 0 nodes')
    assert 'none is running in this domain' in found.text


@pytest.mark.parametrize('module', ['lerobot_recorder.nothing', 'this'])
def test_a_probe_that_fails_is_told(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(qos, 'PROBE', module)
    (found,) = check_graph()
    assert found.level is Level.WARN
    assert found.text.startswith('could not be looked at: ')


def test_a_probe_that_hangs_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / 'hangs.py').write_text('import time\ntime.sleep(60)')
    monkeypatch.setenv('PYTHONPATH', str(tmp_path))
    monkeypatch.setattr(qos, 'PROBE', 'hangs')
    monkeypatch.setattr(qos, 'PROBE_TIMEOUT_S', 0.1)
    with pytest.raises(subprocess.TimeoutExpired):
        ask_graph()
    assert 'timed out' in check_graph()[0].text
