from __future__ import annotations

import numpy as np
import pytest

from benchmarks.measure_pictures import coded, measure_angles, measure_film, time_offset
from lerobot_drivers.sim.camera_model import View
from lerobot_drivers.sim.figure import Body
from lerobot_drivers.sim.kinematics import SO101
from lerobot_drivers.sim.renderer import Renderer
from lerobot_drivers.sim.scripted_operator import ScriptedOperator

FPS = 30


@pytest.fixture(scope='module')
def film():
    operator, view = ScriptedOperator(1), View.named('front', 640, 480)
    renderer = Renderer(view)
    stamps = 0.3 + np.arange(75) / FPS
    frames = []
    for stamp in stamps:
        frames.append(np.zeros((480, 640, 3), np.uint8))
        renderer.draw(frames[-1], [Body(SO101, operator.state(stamp)[0], np.eye(4))])
    return frames, stamps, operator, view


def test_angles_come_back_from_one_picture(film):
    frames, stamps, operator, view = film
    truth = operator.state(stamps[10])[0][:5]
    assert measure_angles(frames[10], view) == pytest.approx(truth, abs=5e-3)


def test_angles_come_back_from_two_views(film):
    frames, stamps, operator, view = film
    truth = operator.state(stamps[10])[0]
    side, other = View.named('side', 640, 480), np.zeros((480, 640, 3), np.uint8)
    Renderer(side).draw(other, [Body(SO101, truth, np.eye(4))])
    measured = measure_angles([frames[10], other], [view, side])
    assert measured == pytest.approx(truth[:5], abs=5e-3)


def test_two_milliseconds_show_in_a_coded_film(film):
    frames, stamps, operator, view = film
    measured = measure_film(coded(frames, 22, FPS), view)[:, :5]
    truth = np.array([operator.state(stamp)[0][:5] for stamp in stamps])
    assert np.nanmedian(np.abs(measured - truth)) < 3e-3
    times = np.arange(0, 4, 1e-3)
    reference = np.array([operator.state(time)[0][:5] for time in times])
    for claimed_late in (0.0, 0.002, -0.030):
        found = time_offset(stamps + claimed_late, measured, times, reference)
        assert found == pytest.approx(-claimed_late, abs=1e-3)


def test_no_arm_no_angles(film):
    _, _, _, view = film
    assert np.isnan(measure_angles(np.full((480, 640, 3), 128, np.uint8), view)).all()


def test_a_riding_camera_cannot_measure(film):
    with pytest.raises(ValueError, match='stands still'):
        measure_angles(film[0][0], View.named('wrist', 640, 480))
