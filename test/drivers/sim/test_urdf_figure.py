"""What simulated cameras draw of a URDF lies where the URDF's links lie."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import pytest
from urdf_chain import link_poses
from urdf_parser_py.urdf import URDF

from lerobot_drivers.common.errors import ConfigError
from lerobot_drivers.sim.figure import transform
from lerobot_drivers.sim.kinematics import SO101
from lerobot_drivers.sim.rods import MOST_ROWS, rods_of
from lerobot_drivers.sim.urdf_figure import (
    ALONG_X,
    CAMERA_JOINT,
    figure_from_urdf,
    robot_figure,
)
from lerobot_drivers.urdf.models import robot_urdf, urdf_names

HORN = (110, 112, 116)
"""Colour of what holds the markers, which a real arm has not."""


def shape(text: str):
    return ElementTree.fromstring(f'<geometry>{text}</geometry>')


def spans(rods):
    """Return the lowest and highest corner of what rods fill."""
    ends = np.array([[rod.start, rod.end] for rod in rods])
    radii = np.array([rod.radius for rod in rods])[:, None, None]
    return (ends - radii).min((0, 1)), (ends + radii).max((0, 1))


@pytest.mark.parametrize('name', urdf_names())
def test_its_links_lie_where_those_of_the_urdf_lie(name):
    text = robot_urdf(name)
    figure, model = figure_from_urdf(text), URDF.from_xml_string(text.partition('?>')[2])
    random = np.random.default_rng(3)
    given = {joint.name: random.uniform(-1, 1) for joint in figure.joints}
    values = [joint.scale * given[joint.mover] + joint.offset for joint in figure.joints]
    expected = link_poses(model, given)
    poses = figure.link_poses(values)
    for joint, pose in zip(figure.joints, poses[1:], strict=True):
        child = model.joint_map[joint.name].child
        np.testing.assert_allclose(pose, expected[child], atol=1e-9)
    assert {joint.mover for joint in figure.joints} <= set(given)
    assert {capsule.link for capsule in figure.capsules} <= set(range(len(poses)))


def test_shapes_of_a_fixed_link_are_drawn_on_what_carries_it():
    figure = figure_from_urdf(
        """<robot name="two">
        <material name="red"><color rgba="1 0 0 1"/></material>
        <link name="a"/><link name="b"/>
        <link name="c"><visual><origin xyz="0 0 1" rpy="0 1.5707963267948966 0"/>
          <geometry><cylinder radius="0.1" length="1"/></geometry><material name="red"/></visual>
          <visual><geometry><mesh filename="package://far/away.stl"/></geometry></visual></link>
        <joint name="turn" type="continuous"><parent link="a"/><child link="b"/>
          <origin xyz="0 0 2"/><axis xyz="0 0 2"/></joint>
        <joint name="stick" type="fixed"><parent link="b"/><child link="c"/>
          <origin xyz="0 3 0"/></joint>
        </robot>"""
    )
    (capsule,) = figure.capsules
    assert capsule.link == 1 and capsule.color == (255, 0, 0) and capsule.radii == (0.1, 0.1)
    assert [joint.name for joint in figure.joints] == ['turn']
    (ends,) = figure.capsule_ends(figure.link_poses([np.pi / 2]))
    np.testing.assert_allclose(ends, [(-3, -0.4, 3), (-3, 0.4, 3)], atol=1e-9)


def test_a_wrist_camera_sees_the_fingers_ahead():
    figure = figure_from_urdf(robot_urdf('viperx'), 'gripper_link', ALONG_X)
    camera = figure.joints[figure.camera_link - 1]
    assert camera.name == CAMERA_JOINT and camera.kind == 'fixed'
    poses = figure.link_poses([0.0] * len(figure.joints))
    ahead, up = (transform(poses[figure.camera_link], p) for p in ((0, 0, -1), (1, 0, 0)))
    origin = poses[figure.camera_link][:3, 3]
    np.testing.assert_allclose((ahead - origin, up - origin), ((1, 0, 0), (0, 0, 1)), atol=1e-9)


def test_the_simulated_so101_is_the_one_of_the_urdf():
    """Every capsule of it but the markers' rods, to a centimetre: the base is a box there."""
    rods = robot_figure('so101_follower').capsules
    for capsule in SO101.capsules:
        if capsule.color == HORN:
            continue
        near = [rod for rod in rods if rod.link == capsule.link]
        for end in (capsule.start, capsule.end):
            assert min(outside(rod, end) for rod in near) < 0.01, capsule


def outside(rod, point):
    """Return how far a point is from the surface of a rod, 0 inside it [m]."""
    start, end, point = (np.asarray(p) for p in (rod.start, rod.end, point))
    along = end - start
    share = np.clip((point - start) @ along / max(along @ along, 1e-12), 0.0, 1.0)
    return max(np.linalg.norm(point - start - share * along) - rod.radii[0], 0.0)


def test_a_long_cylinder_is_one_rod_of_its_length():
    (rod,) = rods_of(shape('<cylinder radius="0.02" length="0.1"/>'))
    assert (rod.start[2], rod.end[2], rod.radius) == pytest.approx((-0.03, 0.03, 0.02))


@pytest.mark.parametrize(
    ('text', 'size', 'rows'),
    [
        ('<box size="0.04 0.3 0.1"/>', (0.04, 0.3, 0.1), 3),
        ('<box size="0.05 0.05 0.05"/>', (0.05, 0.05, 0.05), 1),
        ('<box size="0.2 0.002 0.1"/>', (0.2, 0.1 / MOST_ROWS, 0.1), MOST_ROWS),
        ('<cylinder radius="0.05" length="0.02"/>', (0.1, 0.1, 0.02), 5),
        ('<sphere radius="0.05"/>', (0.1, 0.1, 0.1), 1),
    ],
)
def test_rows_of_rods_fill_a_shape(text, size, rows):
    rods = list(rods_of(shape(text)))
    assert len(rods) == rows
    low, high = spans(rods)
    np.testing.assert_allclose(-low, high, atol=1e-12)
    np.testing.assert_allclose(high - low, size, rtol=0.02)


@pytest.mark.parametrize(
    ('text', 'told'),
    [
        ('no xml', 'syntax error'),
        ('<robot name="r"/>', 'one root link is needed'),
        (
            '<robot name="r"><link name="a"/><link name="b"/><joint name="j" type="floating">'
            '<parent link="a"/><child link="b"/></joint></robot>',
            'joint j is floating',
        ),
        (
            '<robot name="r"><link name="a"/><link name="b"/><joint name="j" type="fixed">'
            '<child link="b"/></joint></robot>',
            'joint j has no <parent>',
        ),
    ],
)
def test_what_is_no_such_urdf_is_one_line(text, told):
    with pytest.raises(ConfigError, match='URDF cannot be drawn') as caught:
        figure_from_urdf(text)
    assert told in str(caught.value) and '\n' not in str(caught.value)
