import pytest
from fake_servos import FakeServos

from lerobot_drivers.common.clock import ManualClock
from lerobot_drivers.common.config import build
from lerobot_drivers.motors.calibration import MotorCalibration, save_calibration
from lerobot_drivers.robots import RobotConfig
from lerobot_drivers.robots.so_arm import JOINT_NAMES
from lerobot_drivers.robots.so_follower import SOFollower


@pytest.fixture
def servos():
    """Six scripted STS3215."""
    return FakeServos()


@pytest.fixture
def clock():
    return ManualClock(10**18)


@pytest.fixture
def calibration():
    return {
        name: MotorCalibration(number, 0, 10 * number, 1000, 3000)
        for number, name in enumerate(JOINT_NAMES, start=1)
    }


@pytest.fixture
def calibrate(servos, tmp_path):
    """Put a calibration into the file of ``mine`` and into the servos."""

    def put(entries):
        save_calibration(tmp_path / 'mine.json', entries)
        for entry in entries.values():
            servos.set_word(entry.id, 31, entry.homing_offset)
            servos.set_word(entry.id, 9, entry.range_min)
            servos.set_word(entry.id, 11, entry.range_max)

    return put


@pytest.fixture
def make(servos, clock, tmp_path, calibration, calibrate):
    """Make a follower on the scripted servos, its calibration file in place."""
    calibrate(calibration)

    def made(**settings):
        settings = {'type': 'so101_follower', 'id': 'mine', 'port': '/dev/fake', **settings}
        config = build(RobotConfig, {'calibration_dir': tmp_path, **settings}, 'robot')
        return SOFollower(config, clock=clock, port_factory=lambda _: servos)

    return made
