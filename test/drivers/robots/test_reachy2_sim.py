"""The real driver, through the real SDK, on a simulated Reachy 2 behind gRPC."""

from __future__ import annotations

import math
import os
import signal
import time

import numpy as np
import pytest
from reachy2_stage import make_reachy, need_sdk, python_with_sdk, reachy_config

from lerobot_drivers import joint_device
from lerobot_drivers.cameras import make_camera
from lerobot_drivers.common.clock import NS_PER_S, SystemClock
from lerobot_drivers.common.errors import DeviceError, NotConnectedError
from lerobot_drivers.joint_device import ArmDriver
from lerobot_drivers.robots import CameraConfig
from lerobot_drivers.sim.reachy2_client import SimReachy

SHARED = str(reachy_config('shared').port)
EYE = {
    'type': 'reachy2_camera',
    'name': 'teleop',
    'image_type': 'left',
    'width': 160,
    'height': 120,
    'fps': 30,
}
HAND = 10
POSE = {
    'neck_yaw.pos': 12.0,
    'neck_pitch.pos': -8.0,
    'l_shoulder_roll.pos': 25.0,
    'l_elbow_pitch.pos': -75.0,
    'l_gripper.pos': 60.0,
    'r_shoulder_pitch.pos': -20.0,
    'r_elbow_yaw.pos': 15.0,
    'r_wrist_yaw.pos': -30.0,
    'r_antenna.pos': 33.0,
}
ON_THE_WIRE = {
    ('head', 'neck', 'yaw'): 'neck_yaw',
    ('head', 'neck', 'pitch'): 'neck_pitch',
    ('l_arm', 'shoulder', 'roll'): 'l_shoulder_roll',
    ('l_arm', 'elbow', 'pitch'): 'l_elbow_pitch',
    ('l_hand', 'hand', 'finger'): 'l_gripper',
    ('r_arm', 'shoulder', 'pitch'): 'r_shoulder_pitch',
    ('r_arm', 'elbow', 'yaw'): 'r_elbow_yaw',
    ('r_arm', 'wrist', 'yaw'): 'r_wrist_yaw',
    ('head', 'antenna_right', 'antenna'): 'r_antenna',
}


@pytest.fixture(scope='module')
def sim():
    need_sdk()
    with SimReachy(SHARED, python_with_sdk()) as client:
        yield client


@pytest.fixture(scope='module')
def robot(sim):
    robot = make_reachy('shared')
    robot.connect()
    yield robot
    robot.disconnect()


def wait_for(condition, seconds=5.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, 'it does not come to that'
        time.sleep(0.01)


def test_goals_are_where_it_is_before_anything_becomes_stiff(sim, robot):
    log = sim.log()
    calls = [entry['call'] for entry in log]
    (seed,) = [entry['goals'] for entry in log[: calls.index('TurnOn')] if 'goals' in entry]
    assert {part: set(goals) for part, goals in seed.items()} == {
        'l_arm': {'shoulder', 'elbow', 'wrist'},
        'r_arm': {'shoulder', 'elbow', 'wrist'},
        'head': {'neck', 'antenna_left', 'antenna_right'},
        'l_hand': {'hand'},
        'r_hand': {'hand'},
    }
    assert {entry['part'] for entry in log if entry['call'] == 'TurnOn'} == set(seed)
    assert len(sim.truth()['stiff']) == 11


def test_an_action_is_radians_on_the_wire_and_comes_back_in_degrees(sim, robot):
    assert robot.send_action(POSE) == pytest.approx(POSE)
    wait_for(lambda: robot.read_state().velocity[HAND] > 1.0, 1.0)  # the SDK tells none of a hand
    goals = next(entry['goals'] for entry in reversed(sim.log()) if entry['call'] == 'goals')
    found = {
        (part, actuator, axis): angle
        for part, actuators in goals.items()
        for actuator, axes in actuators.items()
        for axis, angle in axes.items()
    }
    expected = {place: math.radians(POSE[f'{name}.pos']) for place, name in ON_THE_WIRE.items()}
    assert found == pytest.approx(expected, abs=1e-6)
    wait_for(lambda: abs(robot.get_observation()['l_elbow_pitch.pos'] + 75.0) < 1e-3)
    seen = robot.get_observation()
    assert {key: seen[key] for key in POSE} == pytest.approx(POSE, abs=1e-3)
    assert list(seen) == list(robot.observation_features)


def test_states_are_stamped_with_when_they_came(robot):
    stamps = []
    for _ in range(30):
        stamps.append(robot.read_state().stamp_ns)
        time.sleep(0.004)
    assert stamps == sorted(stamps)
    assert len(set(stamps)) > 5
    assert 0 <= time.time_ns() - robot.read_state().stamp_ns < NS_PER_S // 4


def test_a_driver_hands_on_each_state_once(robot):
    driver = ArmDriver(robot, 1000.0, SystemClock(), lambda _: None)
    read = [driver.step() for _ in range(200)]
    stamps = [reading.stamp_ns for reading in read if reading is not None]
    assert len(stamps) == len(set(stamps)) < 200


def test_speeds_go_out_within_the_caps_and_silence_stops_the_base(sim, robot):
    robot.send_action({'mobile_base.vx': 0.0, 'mobile_base.vy': 1.0})
    (speed,) = [entry['speed'] for entry in sim.log() if entry['call'] == 'speed'][-1:]
    assert speed == pytest.approx([0.0, 0.61, 0.0], abs=1e-6)
    wait_for(lambda: robot.get_observation()['mobile_base.vy'] > 0.6, 0.5)
    wait_for(lambda: sim.truth()['base']['speed'] == [0.0, 0.0, 0.0], 2.0)
    assert sim.truth()['base']['pose'][1] == pytest.approx(0.61 * 0.2, abs=1e-3)
    robot.send_action({'mobile_base.vtheta': 45.0})
    (speed,) = [entry['speed'] for entry in sim.log() if entry['call'] == 'speed'][-1:]
    assert speed[2] == pytest.approx(math.pi / 4, abs=1e-6)


def test_to_hold_stops_what_is_moving_where_it_is(sim, robot):
    robot.send_action({'l_elbow_pitch.pos': -5.0, 'r_gripper.pos': 0.0})
    wait_for(lambda: abs(robot.get_observation()['l_elbow_pitch.pos'] + 5.0) < 1e-3)
    robot.send_action({'l_elbow_pitch.pos': -120.0, 'r_gripper.pos': 120.0})
    wait_for(lambda: robot.get_observation()['l_elbow_pitch.pos'] < -10.0)
    robot.enable_torque()
    time.sleep(0.1)
    before = sim.truth()['position']
    assert before['l.elbow.pitch'] > math.radians(-110.0)
    assert before['r.hand.finger'] < math.radians(110.0)
    time.sleep(0.1)
    assert sim.truth()['position'] == pytest.approx(before)


def test_what_is_limp_becomes_stiff_where_it_was_moved_to(sim, robot):
    robot.disable_torque()
    assert sim.truth()['stiff'] == []
    sim.inject('push', part='r_hand', actuator='hand', angles=[1.0])
    sim.inject('push', part='l_arm', actuator='elbow', angles=[0.2, -0.4])
    wait_for(lambda: abs(robot.get_observation()['r_gripper.pos'] - math.degrees(1.0)) < 1e-3)
    robot.write_goal(np.zeros(21))  # it is limp: this must not come back later
    robot.enable_torque()
    robot.send_action({'neck_yaw.pos': 1.0})
    time.sleep(0.1)
    truth = sim.truth()['position']
    assert truth['r.hand.finger'] == pytest.approx(1.0, abs=1e-6)
    assert truth['l.elbow.pitch'] == pytest.approx(-0.4, abs=1e-6)


def test_it_is_lost_and_found_again_and_does_not_jump(monkeypatch):
    need_sdk()
    monkeypatch.setattr(joint_device, 'RECONNECT_NS', NS_PER_S // 10)
    said = []
    robot = make_reachy('lost')
    with SimReachy(robot.config.port, python_with_sdk()) as sim:
        driver = ArmDriver(robot, 100.0, SystemClock(), said.append)
        driver.connect()
        driver.write(np.where(np.arange(21) == 6, -0.5, np.nan))
        wait_for(lambda: abs(robot.read_state().position[6] + 0.5) < 1e-6)
        before = sim.truth()['position']
        sim.inject('unplug')
        wait_for(lambda: driver.step() is None and driver.lost)
        assert not driver.write(np.zeros(21))
        sim.inject('replug')
        wait_for(lambda: driver.step() is not None)
        assert driver.reconnects == 1
        assert sim.truth()['position'] == pytest.approx(before)
        assert driver.goal == pytest.approx(robot.read_state().position)
        robot.limp = True  # the SDK takes a second and a half to make it stiff
        os.kill(sim.info()['pid'], signal.SIGKILL)
    wait_for(lambda: driver.step() is None and driver.lost)
    wait_for(lambda: driver.step() is not None, 15.0)
    assert driver.reconnects == 2
    assert [text.partition(':')[0] for text in said] == ['lost', 'found again'] * 2
    assert not driver.lost
    driver.disconnect()


def test_a_robot_without_a_part_says_what_to_set():
    need_sdk()
    robot = make_reachy('partly')
    with SimReachy(robot.config.port, python_with_sdk()) as sim:
        sim.inject('without', parts=['mobile_base', 'l_arm', 'l_hand'])
        with pytest.raises(NotConnectedError, match=r'has no l_arm, mobile_base.*with_l_arm'):
            robot.connect()
        rest = make_reachy('partly', with_mobile_base=False, with_l_arm=False)
        rest.limp = True
        rest.connect()
        assert len(rest.get_observation()) == 13
        assert sim.truth()['stiff'] == []
        rest.hang_up()


def test_its_eyes_give_each_picture_once_with_its_time(sim):
    config = CameraConfig(**EYE, ip_address=SHARED, sdk_python=python_with_sdk())
    camera = make_camera('teleop_left', config, SystemClock())
    camera.connect()
    frames = [camera.read() for _ in range(6)]
    stamps = [frame.stamp_ns for frame in frames]
    assert stamps == sorted(set(stamps))
    assert {frame.image.shape for frame in frames} == {(120, 160, 3)}
    assert 0 < time.time_ns() - stamps[-1] < NS_PER_S
    sky, floor = frames[-1].image[10, 80], frames[-1].image[100, 80]
    assert sky[0] < sky[2]  # it is blue, and the floor is brown
    assert floor[0] > floor[2]
    camera.disconnect()
    with pytest.raises(DeviceError, match='not connected'):
        camera.read()
