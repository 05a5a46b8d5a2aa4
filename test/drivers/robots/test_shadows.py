"""How far a shadow is from its motor, and who has none."""

import pytest

from lerobot_drivers.common.errors import DeviceError
from lerobot_drivers.robots.aloha_arm import VIPERX
from lerobot_drivers.robots.shadows import TOLERANCE_DEG, apart, check_shadows
from lerobot_drivers.robots.so_arm import SO_ARM

AT_HOME = dict.fromkeys(VIPERX.motors, 2048)


class Bus:
    def __init__(self, **apart):
        self.ticks = {**AT_HOME, **apart}
        self.port = type('Port', (), {'name': '/dev/x'})

    def sync_read(self, register):
        assert register == 'Present_Position'
        return self.ticks


def test_it_is_told_in_degrees_by_the_shadow():
    found = apart(VIPERX, {**AT_HOME, 'elbow_shadow': 2048 - 512})
    assert found == {'shoulder_shadow': 0.0, 'elbow_shadow': -45.0}
    assert apart(SO_ARM, dict.fromkeys(SO_ARM.motors, 0)) == {}


def test_all_that_are_farther_apart_than_is_accepted_are_named():
    within = int(TOLERANCE_DEG * 4096 / 360)
    check_shadows(Bus(shoulder_shadow=2048 + within, elbow=2048 + within), VIPERX)
    with pytest.raises(DeviceError, match=r'shoulder_shadow by 8\.8 degrees, elbow_shadow by -2'):
        check_shadows(Bus(shoulder_shadow=2148, elbow=2048 + within + 1), VIPERX)
    check_shadows(None, SO_ARM)
