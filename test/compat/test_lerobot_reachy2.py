"""Real LeRobot on the simulated Reachy 2: the same observations, the same calls on the wire."""

import math
import random
import time

import numpy as np
import pytest

pytest.importorskip('lerobot', reason='real LeRobot is not installed')
pytest.importorskip('reachy2_sdk', reason='reachy2-sdk is not installed beside LeRobot')

from lerobot.cameras.reachy2_camera import Reachy2Camera, Reachy2CameraConfig
from lerobot.robots.reachy2 import Reachy2Robot, Reachy2RobotConfig
from lerobot_twins import as_floats
from reachy2_stage import make_reachy

from lerobot_drivers.cameras import make_camera
from lerobot_drivers.common.clock import SystemClock
from lerobot_drivers.robots import CameraConfig
from lerobot_drivers.sim.reachy2_client import SimReachy

pytestmark = pytest.mark.lerobot

STAND = dict.fromkeys(('mobile_base.vx', 'mobile_base.vy', 'mobile_base.vtheta'), 0.0)
POSE = {
    'neck_yaw.pos': 12.3,
    'l_elbow_pitch.pos': -75.25,
    'l_gripper.pos': 60.5,
    'r_shoulder_pitch.pos': -20.75,
    'r_wrist_roll.pos': 11.1,
    'r_antenna.pos': 33.0,
}


class Twins:
    """LeRobot's driver and ours for one simulated robot."""

    def __init__(self, device, **settings):
        self.ours = make_reachy(device, **settings)
        self.sim = SimReachy(self.ours.config.port)
        config = Reachy2RobotConfig(ip_address=self.sim.host, **settings)
        self.lerobot = Reachy2Robot(config)

    def calls(self, do):
        """Return what the robot was told meanwhile, without times."""
        before = len(self.sim.log())
        do()
        log = self.sim.log()[before:]
        return [{key: value for key, value in call.items() if key != 'stamp_ns'} for call in log]

    def rest(self, driver):
        """Return what a driver sees when nothing moves any more."""
        last = {}
        for _ in range(100):
            time.sleep(0.1)
            seen = as_floats(driver.get_observation())
            if seen == last:
                return seen
            last = seen
        raise AssertionError('it does not come to rest')


@pytest.fixture(scope='module')
def twins():
    twins = Twins('both')
    ours = twins.calls(twins.ours.connect)
    twins.sim.inject('power_cycle')
    twins.first = {'ours': ours, 'lerobot': twins.calls(twins.lerobot.connect)}
    yield twins
    twins.ours.disconnect()
    twins.lerobot.disconnect()
    twins.sim.close()


def test_features_are_the_same_in_the_same_order(twins):
    assert list(twins.ours.action_features) == list(twins.lerobot.action_features)
    assert list(twins.ours.observation_features) == list(twins.lerobot.observation_features)
    assert twins.ours.name == twins.lerobot.name == 'reachy2'


def test_both_see_the_same_whoever_moved_it(twins):
    twins.lerobot.send_action(POSE | STAND)
    theirs, ours = twins.rest(twins.lerobot), twins.rest(twins.ours)
    assert list(ours) == list(theirs)
    assert ours == pytest.approx(theirs, abs=1e-9)
    assert {key: ours[key] for key in POSE} == pytest.approx(POSE, abs=1e-4)
    twins.ours.send_action(dict.fromkeys(POSE, 2.5))
    ours = twins.rest(twins.ours)
    assert ours == pytest.approx(twins.rest(twins.lerobot), abs=1e-9)
    assert ours['l_gripper.pos'] == pytest.approx(2.5, abs=1e-4)


def within(twins):
    """Return actions within what we let pass."""
    random.seed(3)
    spans = [
        (element.feature, *map(element.unit.to_dataset, (element.lower, element.upper)))
        for element in twins.ours.elements
    ]
    return [{key: random.uniform(lower, upper) for key, lower, upper in spans} for _ in range(20)]


def test_the_same_action_is_the_same_on_the_wire(twins):
    for action in within(twins):
        theirs = twins.calls(lambda: twins.lerobot.send_action(dict(action)))  # noqa: B023
        ours = twins.calls(lambda: twins.ours.send_action(action))  # noqa: B023
        assert [call['call'] for call in ours] == ['goals', 'speed']
        # The SDK learns only from the next state that the base is in the mode for speeds.
        theirs = [call for call in theirs if call['call'] != 'mode']
        assert ours[0]['goals'].keys() == theirs[0]['goals'].keys()
        assert flat(ours[0]['goals']) == pytest.approx(flat(theirs[0]['goals']), abs=1e-6)
        assert ours[1]['speed'] == pytest.approx(theirs[1]['speed'], abs=1e-6)


def flat(goals):
    return {
        (part, actuator, axis): angle
        for part, actuators in goals.items()
        for actuator, axes in actuators.items()
        for axis, angle in axes.items()
    }


def test_what_is_too_fast_is_capped_by_us_where_lerobot_lets_it_pass(twins):
    action = dict(POSE) | STAND | {'mobile_base.vy': 1.0}
    theirs = twins.calls(lambda: twins.lerobot.send_action(action))[-1]
    ours = twins.calls(lambda: twins.ours.send_action(action))[-1]
    assert theirs['speed'] == pytest.approx([0.61, 1.0, 0.0], abs=1e-6)
    assert ours['speed'] == pytest.approx([0.0, 0.61, 0.0], abs=1e-6)


def test_connecting_says_the_same_but_for_the_goals_before_torque(twins):
    seed, *rest = twins.first['ours']
    assert seed['call'] == 'goals'
    assert [call for call in rest if call['call'] != 'goals'] == twins.first['lerobot']


@pytest.mark.parametrize(('name', 'image_type'), [('teleop', 'right'), ('depth', 'rgb')])
def test_its_cameras_show_both_the_same(twins, name, image_type):
    size = {'width': 320, 'height': 240, 'fps': 30}
    twins.rest(twins.lerobot)
    theirs = Reachy2Camera(
        Reachy2CameraConfig(name=name, image_type=image_type, ip_address=twins.sim.host, **size)
    )
    theirs.connect()
    place = {'name': name, 'image_type': image_type, 'ip_address': twins.ours.config.port}
    ours = make_camera('eye', CameraConfig(type='reachy2_camera', **place, **size), SystemClock())
    ours.connect()
    assert np.array_equal(ours.read().image, theirs.read())
    ours.disconnect()
    theirs.disconnect()


def test_max_relative_target_limits_the_same(twins):
    near = Twins('both', max_relative_target=7.0)
    near.lerobot.connect()
    near.ours.connect()
    action = {'l_elbow_pitch.pos': -60.0, 'neck_yaw.pos': 3.0, **STAND}
    home = dict.fromkeys(POSE, 0.0) | STAND
    goals = []
    for driver in (near.lerobot, near.ours):
        twins.lerobot.send_action(home)
        twins.rest(twins.lerobot)
        goals.append(flat(near.calls(lambda: driver.send_action(dict(action)))[0]['goals']))  # noqa: B023
    assert goals[1] == pytest.approx(goals[0], abs=1e-6)
    assert goals[1][('l_arm', 'elbow', 'pitch')] == pytest.approx(math.radians(-7.0), abs=1e-6)
    near.ours.disconnect()
    assert near.sim.truth()['stiff']
    near.sim.close()
