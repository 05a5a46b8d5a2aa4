"""When a policy acts, on what, and when the robot holds: a view and a policy by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from synthetic_messages import MS, T0, S

from lerobot_drivers.common.errors import ConfigError, PolicyError
from lerobot_drivers.common.units import JointSpec, JointUnit, NormMode
from lerobot_drivers.processors.factory import make_pipeline
from lerobot_policy.config import PolicyConfig
from lerobot_policy.inference_loop import (
    APPROACH_VELOCITY,
    Command,
    InferenceLoop,
    Stage,
    policy_mapping,
)
from lerobot_policy.processors import PolicyProcessors
from lerobot_recorder.live_view import Observation
from lerobot_recorder.row_plan import Row

DEGREES = JointUnit(NormMode.DEGREES)
PERCENT = JointUnit(NormMode.RANGE_0_100, 0.0, 2.0)
JOINTS = (
    JointSpec('pan', -1.0, 1.0, 1.5, DEGREES),
    JointSpec('jaw', 0.0, 2.0, math.inf, PERCENT),
)
FPS = 50
TICK = S // FPS


class Line:
    """A policy whose actions tell at what time they were asked for."""

    fps = FPS
    action_names = ('pan.pos', 'jaw.pos')
    observation_keys = ('observation.state',)
    sees_robot = False

    def __init__(self, first=(0.0, 0.0), speed=(10.0, 0.0), length_s=math.inf):
        self.first, self.speed = np.array(first), np.array(speed)
        self.length_s, self.asked, self.seen, self.resets = length_s, [], [], 0

    def reset(self, observation):
        self.resets += 1

    def select_action(self, observation, time_s):
        self.asked.append(time_s)
        self.seen.append(observation)
        if time_s >= self.length_s:
            return None
        return (self.first + self.speed * time_s).astype(np.float32)


class World:
    """A robot that obeys at once, and a view of it."""

    def __init__(self, state=(0.0, 0.0)):
        self.state = np.array(state, dtype=np.float32)
        self.stamp_ns: int | None = T0

    def features(self):
        names = [f'{joint.name}.pos' for joint in JOINTS]
        return {'observation.state': {'dtype': 'float32', 'shape': [2], 'names': names}}

    def observe(self):
        if self.stamp_ns is None:
            return None
        return Observation(self.stamp_ns, Row({'observation.state': self.state}, {}))


class Bench:
    def __init__(self, policy=None, state=(0.0, 0.0), joints=JOINTS, **config):
        self.policy = policy or Line()
        self.world = World(state)
        settings = PolicyConfig(type='line', **config)
        self.loop = InferenceLoop(self.policy, self.world, settings, joints)
        self.now = T0
        self.joints = joints

    def tick(self, obey=True, fresh=True, in_command=True, step=TICK) -> Command | None:
        self.now += step
        if fresh:
            self.world.stamp_ns = self.now - 10 * MS
        command = self.loop.step(self.now, in_command)
        if command is not None and obey:
            by_name = dict(zip(command.names, command.positions, strict=True))
            self.world.state = np.array(
                [j.unit.to_dataset(by_name[j.name]) for j in self.joints], dtype=np.float32
            )
        return command

    def run(self, stage: Stage, ticks=2000):
        sent = []
        while self.loop.stage is not stage:
            sent.append(self.tick())
            assert len(sent) < ticks, f'never {stage}, but {self.loop.stage}'
        return [command.positions for command in sent if command is not None]


def test_nothing_is_sent_before_there_is_an_observation():
    bench = Bench()
    bench.world.stamp_ns = None
    assert bench.tick(fresh=False) is None
    assert (bench.loop.stage, bench.loop.held, bench.policy.resets) == (Stage.WAITING, 1, 0)


@pytest.mark.parametrize(
    ('age_ns', 'acts'),
    [(0, True), (499 * MS, True), (501 * MS, False), (-499 * MS, True), (-501 * MS, False)],
)
def test_an_observation_must_be_near_now_on_either_side(age_ns, acts):
    bench = Bench(max_age_s=0.5)
    bench.world.stamp_ns = T0 - age_ns
    assert (bench.loop.step(T0) is not None) is acts
    assert bench.loop.is_holding is not acts


def test_actions_are_sent_in_rad_and_within_limits():
    bench = Bench(Line(first=(30.0, 50.0), speed=(0.0, 0.0)), state=(30.0, 50.0))
    command = bench.tick()
    assert command.names == ('pan', 'jaw')
    assert command.positions == pytest.approx([math.radians(30), 1.0], abs=1e-5)
    bench = Bench(Line(first=(0.0, 0.0), speed=(1e4, -1e4)))
    assert bench.run(Stage.RUNNING) and bench.tick().positions == pytest.approx([1.0, 0.0])


def test_the_robot_comes_to_the_first_action_slowly_and_from_where_it_is():
    bench = Bench(Line(first=(50.0, 90.0)), state=(-50.0, 10.0))
    sent = np.array(bench.run(Stage.RUNNING))
    start = [math.radians(-50), 0.2]
    assert sent[0] == pytest.approx(start, abs=1e-3)
    assert np.abs(np.diff(sent[:-1], axis=0)).max() <= APPROACH_VELOCITY / FPS + 1e-6
    ramp_s = math.radians(100) / APPROACH_VELOCITY
    assert len(sent) >= ramp_s * FPS
    assert set(bench.policy.asked[:-1]) == {0.0}
    assert sent[-1] == pytest.approx([math.radians(50), 1.8], abs=0.01)


def test_a_robot_beyond_a_limit_starts_from_where_it_is_and_not_with_a_jump():
    bench = Bench(Line(first=(0.0, 0.0)), state=(math.degrees(1.4), 0.0))
    assert bench.tick().positions[0] == pytest.approx(1.4, abs=1e-6)


def test_a_robot_that_does_not_come_near_ends_the_policy_before_it_begins():
    bench = Bench(Line(first=(50.0, 0.0)), approach_timeout_s=2.0)
    with pytest.raises(PolicyError, match=r'pan is asked for 0\.87 and stays 0\.87 away'):
        for _ in range(FPS * 10):
            bench.tick(obey=False)
    assert bench.loop.stage is Stage.APPROACHING
    waited_s = (bench.now - T0) / S
    assert waited_s == pytest.approx(2.0 + math.radians(50) / APPROACH_VELOCITY, abs=0.1)


def test_near_is_measured_in_rad_whatever_the_dataset_holds():
    # 4 degrees are near, 4 rad are not.
    rad = (JointSpec('pan', -4, 4), JointSpec('jaw', 0, 2))
    bench = Bench(Line(first=(4.0, 0.0), speed=(0, 0)), joints=rad)
    for _ in range(round(4.2 * FPS)):
        bench.tick(obey=False)
    assert bench.loop.stage is Stage.APPROACHING
    bench = Bench(Line(first=(4.0, 0.0), speed=(0, 0)))
    for _ in range(10):
        bench.tick(obey=False)
    assert bench.loop.stage is Stage.RUNNING


def test_the_policys_time_is_the_time_that_passed():
    bench = Bench()
    bench.run(Stage.RUNNING)
    before = len(bench.policy.asked)
    for _ in range(5):
        bench.tick()
    assert bench.policy.asked[before:] == pytest.approx([k / FPS for k in range(1, 6)])


def test_a_stale_observation_holds_and_stops_the_policys_time():
    bench = Bench(max_age_s=0.1)
    bench.run(Stage.RUNNING)
    bench.tick()
    before = bench.policy.asked[-1]
    assert [bench.tick(fresh=False) for _ in range(200)][10:] == [None] * 190
    held = bench.loop.held
    assert bench.tick() is not None
    assert bench.policy.asked[-1] <= before + 10 / FPS
    assert held >= 190 and not bench.loop.is_holding


def test_a_loop_that_was_held_up_does_not_cut_the_corner():
    bench = Bench()
    bench.run(Stage.RUNNING)
    bench.tick(step=5 * S)
    assert bench.policy.asked[-1] <= 3 / FPS + 1e-9


def test_a_clock_that_steps_back_does_not_turn_the_time_back():
    bench = Bench()
    bench.run(Stage.RUNNING)
    for _ in range(5):
        bench.tick()
    before = bench.policy.asked[-1]
    bench.tick(step=-3 * S)
    bench.tick()
    assert bench.policy.asked[-2:] == pytest.approx([before, before + 1 / FPS])


def test_at_the_end_the_robot_holds():
    bench = Bench(Line(length_s=0.1))
    bench.run(Stage.ENDED)
    asked = len(bench.policy.asked)
    assert [bench.tick() for _ in range(5)] == [None] * 5
    assert (len(bench.policy.asked), bench.policy.resets) == (asked, 1)


def test_in_a_loop_it_comes_back_to_the_first_action_slowly():
    bench = Bench(Line(speed=(40.0, 0.0), length_s=1.0), loop=True)
    sent = np.array([c.positions for c in (bench.tick() for _ in range(400)) if c is not None])
    assert bench.policy.resets >= 2
    assert np.abs(np.diff(sent[:, 0])).max() <= APPROACH_VELOCITY / FPS + 1e-6


def test_while_another_commands_it_begins_anew_where_the_robot_is():
    bench = Bench(Line(first=(0.0, 0.0), speed=(10.0, 0.0)))
    bench.run(Stage.RUNNING)
    for _ in range(10):
        bench.tick()
    bench.world.state = np.array([40.0, 30.0], dtype=np.float32)
    for _ in range(30 * FPS):  # longer than any timeout
        command = bench.tick(obey=False, in_command=False)
        assert command.positions == pytest.approx([math.radians(40), 0.6], abs=1e-6)
    back = np.array(bench.run(Stage.RUNNING))
    assert np.abs(np.diff(back, axis=0)).max() <= APPROACH_VELOCITY / FPS + 1e-6
    assert back[0, 0] == pytest.approx(math.radians(40), abs=0.03)


@pytest.mark.parametrize('first', [(math.nan, 0.0), (math.inf, 0.0), (1.0,), (1.0, 2.0, 3.0)])
def test_what_is_no_command_is_an_error(first):
    policy = Line()
    policy.select_action = lambda observation, time_s: np.array(first, dtype=np.float32)
    with pytest.raises(PolicyError, match='expected 2 finite numbers'):
        Bench(policy).tick()


def test_a_policy_may_command_some_joints_in_its_own_order():
    policy = Line(first=(30.0, 40.0))
    policy.action_names = ('jaw.pos', 'pan.pos')
    bench = Bench(policy, state=(40.0, 30.0))
    command = bench.tick()
    assert command.names == ('jaw', 'pan')
    assert bench.loop.stage is Stage.RUNNING
    assert command.positions == pytest.approx([0.6, math.radians(40)], abs=1e-5)


def test_pictures_are_decoded_only_for_who_looks_at_them():
    class Shot:
        decoded = 0

        def rgb(self):
            self.decoded += 1
            return np.ones((2, 2, 3), np.uint8)

    shot, key = Shot(), 'observation.images.front'
    for keys, count in ((('observation.state',), 0), (('observation.state', key), 1)):
        policy = Line()
        policy.observation_keys = keys
        bench = Bench(policy)
        row = Row({'observation.state': np.zeros(2, np.float32)}, {key: shot})
        bench.world.observe = lambda row=row: Observation(T0, row)
        bench.loop.step(T0)
        assert (shot.decoded > 0) is bool(count)
        assert set(policy.seen[0]) == set(keys)


@pytest.mark.parametrize(
    ('attribute', 'value', 'told'),
    [
        ('action_names', ('wing.pos',), r'commands wing\.pos, but the robot has pan\.pos, jaw'),
        ('action_names', (), 'commands nothing'),
        ('observation_keys', ('observation.images.a',), 'does not look at observation.state'),
    ],
)
def test_a_policy_for_another_robot_is_refused(attribute, value, told):
    policy = Line()
    setattr(policy, attribute, value)
    with pytest.raises(ConfigError, match=told):
        Bench(policy)


def test_the_mapping_holds_what_the_policy_looks_at():
    features = {
        'observation.state': {'topic': '/r/joint_states'},
        'observation.images.front': {'topic': '/r/front/image_raw'},
        'action': {'topic': '/r/joint_commands'},
    }
    policy = Line()
    assert policy_mapping(policy, features, 30).topics() == ['/r/joint_states']
    policy.observation_keys = ('observation.state', 'observation.images.top')
    with pytest.raises(ConfigError, match=r'looks at observation\.images\.top, but the robot sho'):
        policy_mapping(policy, features, 30)


def test_steps_on_its_actions_hold_before_the_limits_of_the_joints():
    clip = {'type': 'clip_joints_processor', 'limits': {'pan': [-3, 3]}}
    bench = Bench(Line(first=(0.0, 0.0), speed=(10.0, 0.0), length_s=1.0))
    pipeline = make_pipeline('postprocessor', [clip])
    around = PolicyProcessors(bench.policy, JOINTS, post=pipeline)
    config = PolicyConfig(type='line')
    bench.loop = InferenceLoop(bench.policy, bench.world, config, JOINTS, around)
    degrees = [math.degrees(positions[0]) for positions in bench.run(Stage.ENDED)]
    assert max(degrees) == pytest.approx(3.0) and degrees[-1] == pytest.approx(3.0)


def test_a_policy_of_other_joints_needs_a_step_that_names_them_back():
    policy = Line()
    policy.action_names = ('joint_1.pos', 'jaw.pos')
    with pytest.raises(ConfigError, match='the policy commands joint_1'):
        Bench(policy)
    back = {'type': 'rename_actions_processor', 'rename_map': {'joint_1.pos': 'pan.pos'}}
    around = PolicyProcessors(policy, JOINTS, post=make_pipeline('postprocessor', [back]))
    view, config = World((0.0, 0.0)), PolicyConfig(type='line')
    command = InferenceLoop(policy, view, config, JOINTS, around).step(T0)
    assert command.names == ('pan', 'jaw')


def test_relative_actions_are_approached_from_where_the_robot_began():
    bench = Bench(Line(first=(20.0, 0.0), speed=(0.0, 0.0), length_s=0.1), state=(5.0, 0.0))
    back = make_pipeline('postprocessor', ['absolute_actions_processor'])
    around = PolicyProcessors(bench.policy, JOINTS, post=back)
    config = PolicyConfig(type='line')
    bench.loop = InferenceLoop(bench.policy, bench.world, config, JOINTS, around)
    degrees = [math.degrees(positions[0]) for positions in bench.run(Stage.RUNNING)]
    assert 24.0 < max(degrees[:-1]) <= 25.0


AXES = tuple(
    JointSpec(name, -0.3, 0.3, unit=unit, key=key, is_velocity=True)
    for name, key, unit in (
        ('linear.x', 'x.vel', JointUnit()),
        ('linear.y', 'y.vel', JointUnit()),
        ('angular.z', 'theta.vel', DEGREES),
    )
)


def mobile(names, **line):
    policy = Line(**line)
    policy.action_names = names
    bench = Bench(policy, joints=(JOINTS[0], *AXES))
    bench.world.state = np.zeros(4, np.float32)
    return bench


def test_a_base_stands_until_the_arm_is_where_the_policy_begins():
    names = ('pan.pos', 'x.vel', 'theta.vel')
    bench = mobile(names, first=(20.0, 0.2, -9.0), speed=(0, 0, 0))
    command = bench.tick(obey=False)
    assert bench.loop.stage is Stage.APPROACHING
    assert command.names == ('pan',) and command.velocity.tolist() == [0, 0, 0]
    for _ in range(2000):
        bench.world.state[0] = math.degrees(command.positions[0])
        bench.world.state[1:] = command.velocity * [1, 1, 180 / math.pi]
        command = bench.tick(obey=False)
        if bench.loop.stage is Stage.RUNNING:
            break
    assert command.velocity == pytest.approx([0.2, 0.0, math.radians(-9)])
    bench.tick(obey=False, in_command=False)
    assert bench.tick(obey=False, in_command=False).velocity.tolist() == [0, 0, 0]


def test_a_policy_without_a_base_leaves_it_alone():
    bench = mobile(('pan.pos',), first=(0.0,), speed=(0.0,))
    assert bench.tick(obey=False).velocity is None


def test_while_it_must_wait_for_others_it_stays_at_the_first_action():
    bench = Bench(Line(first=(30.0, 50.0)))
    bench.loop.must_wait = True
    bench.run(Stage.READY)
    stays = [bench.tick().positions for _ in range(30)]
    assert bench.loop.stage is Stage.READY
    assert np.ptp(stays, axis=0).max() == 0
    assert stays[0] == pytest.approx([math.radians(30.0), 1.0])
    assert set(bench.policy.asked) == {0.0}
    bench.loop.must_wait = False
    bench.run(Stage.RUNNING)
    bench.tick()
    assert bench.policy.asked[-1] == pytest.approx(1 / FPS)
