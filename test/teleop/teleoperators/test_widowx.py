"""WidowX leaders on emulated Dynamixels: limp, in radians, asking in a follower's metres."""

import pytest

from lerobot_drivers.common.errors import ConfigError, DeviceError
from lerobot_drivers.robots.aloha_arm import WIDOWX
from lerobot_drivers.sim.client import SimClient
from lerobot_teleop.teleoperators import TeleopConfig, make_teleoperator

WORLD = 'widowx-tests'
TORQUE = 64


@pytest.fixture(scope='module')
def world():
    with SimClient(WORLD) as client:
        yield client


def leaders(**settings):
    return make_teleoperator(
        TeleopConfig(
            left_arm_port=f'sim://{WORLD}/left',
            right_arm_port=f'sim://{WORLD}/right',
            **{'type': 'aloha_leader', **settings},
        )
    )


def test_it_is_read_where_its_operator_holds_it_and_all_its_motors_are_limp(world):
    leader = leaders()
    keys = [f'{side}_{name}.pos' for side in ('left', 'right') for name in WIDOWX.names]
    assert list(leader.action_features) == keys
    leader.connect()
    reading, action = leader.read_state(), leader.get_action()
    truth = world.truth('left', reading.stamp_ns)['position']
    for column, name in enumerate(WIDOWX.names[:-1]):
        assert reading.position[column] == pytest.approx(truth[name], abs=0.01)
    share = (truth['gripper'] + 0.0552) / 0.885
    assert reading.position[6] == pytest.approx(0.0440 + 0.0139 * share, abs=1e-4)
    assert all(0 <= action[f'{side}_gripper.pos'] <= 1 for side in ('left', 'right'))
    assert {'left_elbow_shadow.voltage', 'right_gripper.errors'} <= set(leader.health())
    for side in ('left', 'right'):
        writes = [w for w in world.registers(side) if w['address'] == TORQUE]
        assert {w['id'] for w in writes} == set(range(1, 10))
        assert all(w['data'] == [0] for w in writes)
    with pytest.raises(DeviceError, match='gives no feedback'):
        leader.send_feedback({'left_waist.pos': 0.0})
    leader.disconnect()


def test_the_other_name_of_the_pair_and_of_one():
    assert leaders(type='bi_widowx').name == 'aloha_leader'
    one = make_teleoperator(TeleopConfig(type='widowx', port='/dev/x'))
    assert (one.name, one.is_calibrated) == ('widowx', True)
    in_degrees = TeleopConfig(type='widowx', port='/dev/x', use_degrees=True)
    with pytest.raises(ConfigError, match='has radians in its datasets'):
        make_teleoperator(in_degrees).connect()
