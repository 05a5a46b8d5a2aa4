"""Rests of the robot: left out at both ends, and in the middle where that is asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from long_bag import at, bag_of, convert, pictures, states
from synthetic_messages import MS, S, image, joint_state, raw

from lerobot_drivers.common.errors import BagError
from lerobot_recorder.conversion.motion import MotionLog, joined, state_mapping
from lerobot_recorder.mapping import build_mapping

MOVING = ((2.0, 3.0), (6.0, 7.5))


def moving_bag(path: Path, moving=MOVING, noise: float = 0.002) -> Path:
    """A joint that turns by 1 rad/s now and then, one that never does, and noise on both."""
    random, place, messages = np.random.default_rng(0), 0.0, []
    for k in range(500):
        if any(start <= k / 50 < end for start, end in moving):
            place += 1 / 50
        values = np.array([place, 3.0]) + random.normal(0, noise, 2)
        messages.append(raw('/states', joint_state(at(k / 50), 'ab', values), at(k / 50)))
        messages.append(raw('/commands', joint_state(at(k / 50), 'ab', values), at(k / 50)))
        if k % 5 == 0:
            pixels = np.full((16, 32, 3), 2 * k // 5, np.uint8)
            messages.append(raw('/front', image(at(k / 50), pixels), at(k / 50) + MS))
    return bag_of(path, messages)


def spans(tmp_path, **episodes):
    converted = convert(moving_bag(tmp_path / 'bag'), tmp_path / 'set', episodes=episodes)
    starts = [(episode.start_ns - at(0)) / S for episode in converted.episodes]
    return [
        (start, start + e.duration_s) for start, e in zip(starts, converted.episodes, strict=True)
    ]


def test_rests_at_both_ends_are_left_out(tmp_path):
    ((start, end),) = spans(tmp_path, trim_idle=True)
    assert 1.2 <= start <= 1.6 and 7.9 <= end <= 8.3


def test_a_long_rest_makes_two_episodes(tmp_path):
    first, second = spans(tmp_path, split_idle_s=1.5)
    assert first[0] == 0.0 and 3.4 <= first[1] <= 3.8
    assert 5.2 <= second[0] <= 5.6 and second[1] == pytest.approx(10.0)


def test_both(tmp_path):
    first, second = spans(tmp_path, trim_idle=True, split_idle_s=1.5, idle_margin_s=0.0)
    assert 1.7 <= first[0] <= 2.1 and 2.9 <= first[1] <= 3.3
    assert 5.7 <= second[0] <= 6.1 and 7.4 <= second[1] <= 7.8


def test_a_rest_that_is_short_enough_stays(tmp_path):
    assert len(spans(tmp_path, trim_idle=True, split_idle_s=3.5)) == 1


def test_a_speed_of_ones_own(tmp_path):
    bag = moving_bag(tmp_path / 'bag')
    with pytest.raises(BagError, match='gives no row: the robot does not move in it'):
        convert(bag, tmp_path / 'set', episodes={'trim_idle': True, 'idle_speed': 2.0})
    convert(bag, tmp_path / 'set', episodes={'trim_idle': True, 'idle_speed': 0.5})
    assert len(pictures(tmp_path / 'set')) == len(states(tmp_path / 'set')) == 1


def test_what_is_told_only_now_and_then_holds_meanwhile():
    log = MotionLog()
    for k in range(100):
        value = [k / 50 if k > 50 else 1.0, np.nan if k % 2 else 2.0]
        log.add(k * S // 10, np.array(value))
    moving = joined(log.moving(0.1), S)
    assert len(moving) == 1 and 4.5 * S <= moving[0][0] <= 5.2 * S


def test_without_a_state_it_cannot_be_told():
    mapping = build_mapping({'features': {'observation.images.a': {'topic': '/a'}}}, 'x')
    assert state_mapping(mapping) is None
