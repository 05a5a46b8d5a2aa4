"""Two leaders as one, on the emulator."""

import pytest

from lerobot_drivers.common.errors import ConfigError, DeviceError
from lerobot_drivers.robots.so_arm import JOINT_NAMES
from lerobot_drivers.sim.client import SimClient
from lerobot_teleop.teleoperators import TeleopConfig, make_teleoperator

WORLD = 'bi-so-leader-tests'


def test_both_hands_are_read():
    with SimClient(WORLD) as world:
        leader = make_teleoperator(
            TeleopConfig(
                type='bi_so_leader',
                id='duo',
                left_arm_port=f'sim://{WORLD}/left',
                right_arm_port=f'sim://{WORLD}/right',
            )
        )
        leader.connect()
        try:
            assert leader.is_connected and leader.is_calibrated
            reading = leader.read_state()
            truth = [
                angle
                for side in ('left', 'right')
                for angle in world.truth(side, reading.stamp_ns)['position'].values()
            ]
            assert reading.position == pytest.approx(truth, abs=0.1)
            keys = [f'{side}_{name}.pos' for side in ('left', 'right') for name in JOINT_NAMES]
            assert list(leader.get_action()) == list(leader.action_features) == keys
            assert [arm.config.id for arm in leader.pair.arms] == ['duo_left', 'duo_right']
            assert 'right_gripper.voltage' in leader.health()
            leader.send_feedback({})
            with pytest.raises(DeviceError, match='no feedback'):
                leader.send_feedback({'left_gripper.pos': 1.0})
        finally:
            leader.disconnect()
        assert not leader.is_connected


def test_one_arm_has_no_sides():
    with pytest.raises(ConfigError, match='a so101_leader has one arm'):
        make_teleoperator(
            TeleopConfig(type='so101_leader', port='sim://a/b', right_arm_port='sim://a/c')
        )
