"""Two servos on one axis: one joint, whatever they are told; they pay for it in current."""

import pytest

from lerobot_drivers.sim import dynamixel_memory as reg
from lerobot_drivers.sim.coupling import SAG, axes, couplings
from lerobot_drivers.sim.factory import build_servos
from lerobot_drivers.sim.models import sim_model

MODEL = sim_model('viperx')
AT = 1.0
"""An angle at which gravity pulls [rad]."""


class Pair:
    def __init__(self):
        pose = tuple(AT if joint.name.startswith('shoulder') else 0.0 for joint in MODEL.joints)
        self.servos = build_servos('arm', MODEL, pose)
        self.coupling, _ = couplings(MODEL.joints, self.servos)
        self.master, self.shadow = self.coupling.master, self.coupling.shadow

    def drive(self, servo, goal):
        put(servo, reg.GOAL_POSITION, goal, 4)
        put(servo, reg.TORQUE_ENABLE, 1, 1)

    def wait(self, steps=1500):
        for _ in range(steps):
            self.master.step(0.002)
            self.shadow.step(0.002)
            self.coupling.join()

    def currents(self):
        return [get(servo, reg.PRESENT_CURRENT, 2) for servo in (self.master, self.shadow)]


def put(servo, address, value, size):
    assert servo.write(address, value.to_bytes(size, 'little', signed=True)) == 0


def get(servo, address, size):
    return int.from_bytes(servo.read(address, size), 'little', signed=True)


def position(servo):
    return get(servo, reg.PRESENT_POSITION, 4)


def test_with_one_goal_they_go_there_together_and_share_the_load():
    pair = Pair()
    goal = position(pair.master) - 300
    pair.drive(pair.master, goal)
    pair.drive(pair.shadow, goal)
    pair.wait()
    assert [position(pair.master), position(pair.shadow)] == pytest.approx([goal] * 2, abs=1)
    assert pair.master.angle == pytest.approx(pair.shadow.angle, abs=1e-9)
    assert max(map(abs, pair.currents())) < 100


def test_with_two_goals_the_joint_is_between_them_and_both_push():
    pair = Pair()
    here = position(pair.master)
    pair.drive(pair.master, here + 40)
    pair.drive(pair.shadow, here - 40)
    pair.wait()
    assert position(pair.master) == pytest.approx(here, abs=2)
    master, shadow = pair.currents()
    assert master > 150 and shadow < -150


def test_who_holds_alone_sags_and_draws_more():
    together, alone = Pair(), Pair()
    goal = position(alone.master)
    for pair in (together, alone):
        pair.drive(pair.master, goal)
    together.drive(together.shadow, goal)
    together.wait()
    alone.wait()
    assert SAG > 0 and position(together.master) == goal
    assert 3 < position(alone.master) - goal < 20
    assert abs(alone.currents()[0]) > abs(together.currents()[0])
    assert position(alone.shadow) == pytest.approx(position(alone.master), abs=1)


def test_who_is_on_an_axis():
    servos = dict(zip((joint.name for joint in MODEL.joints), 'abcdefghi', strict=True))
    found = axes(MODEL.joints, servos)
    assert found['shoulder'] == found['shoulder_shadow'] == ['b', 'c']
    assert found['waist'] == ['a'] and found['gripper'] == ['i']
