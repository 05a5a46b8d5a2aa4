"""The goals of alignment, on the benchmark's own take and against its truth."""

from __future__ import annotations

import pytest

from benchmarks.sync_accuracy import (
    FPS,
    Matched,
    Scene,
    approximate_time,
    drift,
    forced,
    joint_errors,
    latest_value,
    own_rows,
    synchronized,
)
from lerobot_recorder.synchronizer import SyncMode

CAMERAS = ('front', 'wrist')


@pytest.fixture(scope='module')
def scene() -> Scene:
    return Scene(60.0)


@pytest.fixture(scope='module')
def aligned(scene) -> Matched:
    return synchronized(scene.messages(), SyncMode.ALIGNED)


def test_aligned_joints_are_those_of_the_picture(aligned):
    assert len(aligned.rows) == pytest.approx(1800, abs=2)
    assert joint_errors(aligned.rows).max() < 0.5


def test_aligned_commands_are_those_of_the_rule(scene, aligned):
    rows = own_rows(aligned.rows)
    assert [row.action for row in rows] == [scene.command_for(row.front) for row in rows]


@pytest.mark.parametrize('camera', CAMERAS)
def test_nothing_repeats_or_skips_but_what_clocks_and_drops_force(scene, aligned, camera):
    truth, ours = forced(scene, camera, aligned.rows), aligned.counts[camera]
    assert truth.others == 0
    assert (ours.repeats + ours.slips, ours.skipped) == (truth.repeats, truth.skips)
    assert abs(ours.repeats - truth.drops) <= 1
    assert ours.repeats > 0 or camera == 'wrist'


def test_labels_stay_within_a_frame_of_the_truth(aligned):
    assert drift(aligned.rows) < 1 / FPS


def test_the_usual_ways_do_what_they_are_known_for(scene):
    """Else the figures above would prove nothing."""
    for way in (
        synchronized(scene.messages(), SyncMode.AS_SEEN),
        latest_value(scene.messages()),
    ):
        assert 50 < joint_errors(way.rows).mean() < 150
        assert forced(scene, 'wrist', way.rows).others > 100
    approximate = approximate_time(scene.messages())
    assert 2 < joint_errors(approximate.rows).mean() < 10
    assert drift(approximate.rows) > 0.5
