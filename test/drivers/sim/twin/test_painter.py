"""Pictures of the scene: the same cameras as without physics, drawn without a display."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

pytest.importorskip('mujoco', reason='mujoco is not installed (extra sim)')

from lerobot_drivers.common.errors import DeviceError
from lerobot_drivers.sim.camera_model import View
from lerobot_drivers.sim.kinematics import SO101, link_poses
from lerobot_drivers.sim.scenery import table_homography
from lerobot_drivers.sim.twin.darkroom import Darkroom
from lerobot_drivers.sim.twin.engine import choose_gl, make_gl_context
from lerobot_drivers.sim.twin.painter import TwinPainter
from lerobot_drivers.sim.twin.physics import Physics
from lerobot_drivers.sim.twin.scene import CUBE_HALF

WIDTH, HEIGHT = 480, 360
if choose_gl() == 'disable':
    pytest.skip('neither EGL nor OSMesa is installed', allow_module_level=True)


@pytest.fixture(scope='module')
def physics():
    physics = Physics(0)
    shafts = physics.connect_shafts([2048.0] * 6, [(-4000.0, 8000.0)] * 6)
    for shaft, angle in zip(shafts, [0.3, -0.5, 0.6, 1.0, 1.5, 0.6], strict=True):
        shaft.hold(2048.0 + angle * 2048 / np.pi)
    physics.put_cube(0.2, -0.14, 0.3)
    return physics


@pytest.fixture(scope='module')
def darkroom(physics):
    darkroom = Darkroom(physics)
    yield darkroom
    darkroom.close()


def picture(darkroom, name, size=(WIDTH, HEIGHT)):
    view = View.named(name, *size)
    image = np.zeros((*size[::-1], 3), np.uint8)
    TwinPainter(darkroom, view).draw(image, 0)
    return image, view


def places_of(image, color):
    """Return the middle of what has a colour's hue, x and y [pixels]."""
    pixels = image.astype(float)
    pixels -= pixels.min(-1, keepdims=True)
    wanted = np.array(color, float) - min(color)
    likeness = pixels @ wanted / (np.linalg.norm(pixels, axis=-1) + 1e-9) / np.linalg.norm(wanted)
    rows, columns = np.nonzero((likeness > 0.99) & (pixels.max(-1) > 60))
    assert len(rows) > 10, f'{color} is not seen'
    return np.array([columns.mean(), rows.mean()])


@pytest.mark.parametrize(
    ('camera', 'markers'),
    [('front', ('fixed_jaw', 'moving_jaw')), ('top', ('moving_jaw', 'right_horn'))],
)
def test_markers_are_seen_where_the_pinhole_says(physics, darkroom, camera, markers):
    image, view = picture(darkroom, camera)
    poses = link_poses(physics.state(0)[0])
    centres = dict(
        zip(
            (m.name for m in SO101.markers), view.project(SO101.marker_centres(poses)), strict=True
        )
    )
    for marker in SO101.markers:
        if marker.name in markers:
            off = places_of(image, marker.color) - centres[marker.name]
            assert np.abs(off).max() < 2.5, (marker.name, off)


def test_cube_and_mat_lie_where_they_should(darkroom):
    image, view = picture(darkroom, 'top')
    seen = places_of(image, (212, 132, 84))
    assert seen == pytest.approx(view.project(np.array([[0.2, -0.14, CUBE_HALF]]))[0], abs=2.0)
    corner = table_homography(view) @ np.array([(0.75 - 0.33) * 800, (0.70 - 0.45) * 800, 1.0])
    x, y = np.rint(corner[:2] / corner[2]).astype(int)
    assert image[y + 8, x + 8].max() < 125, 'the mat begins here'
    assert image[y - 8, x - 8].min() > 125, 'and not before'


def test_the_hand_carries_the_wrist_camera(physics, darkroom):
    image, view = picture(darkroom, 'wrist')
    poses = link_poses(physics.state(0)[0])
    mounted = view.at(poses[SO101.camera_link])
    marker = next(m for m in SO101.markers if m.name == 'moving_jaw')
    centre = SO101.marker_centres(poses)[SO101.markers.index(marker)]
    assert places_of(image, marker.color) == pytest.approx(mounted.project(centre[None])[0], abs=9)


def test_large_and_small_pictures_show_the_same(darkroom):
    small, _ = picture(darkroom, 'front', (160, 120))
    large, _ = picture(darkroom, 'front', (800, 600))
    shrunk = cv2.resize(large, (160, 120), interpolation=cv2.INTER_AREA)
    assert np.abs(small.astype(int) - shrunk).mean() < 4.0
    again, _ = picture(darkroom, 'front', (160, 120))
    assert (again == small).all()


def test_without_a_way_to_draw_there_is_one_line(monkeypatch):
    monkeypatch.setenv('MUJOCO_GL', 'disable')
    with pytest.raises(DeviceError, match='apt install libosmesa6'):
        make_gl_context(64, 64)


def test_a_world_that_cannot_draw_has_arms_all_the_same(physics, monkeypatch):
    monkeypatch.setenv('MUJOCO_GL', 'disable')
    blind = Darkroom(physics)
    with pytest.raises(DeviceError, match='EGL or OSMesa'):
        TwinPainter(blind, View.named('front', 64, 64))
    blind.close()
