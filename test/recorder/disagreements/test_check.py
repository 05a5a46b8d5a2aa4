"""All of it on bags: what is heard, and what is told of it."""

from __future__ import annotations

import numpy as np
import pytest
from synthetic_messages import MS, T0, S, compressed, image, joint_state, make, raw

from lerobot_recorder.bag_reader import BagReader
from lerobot_recorder.bag_time import bag_time
from lerobot_recorder.conversion.checks import learn
from lerobot_recorder.disagreements.check import heard_disagreements
from lerobot_recorder.disagreements.ear import Ear
from lerobot_recorder.mapping import build_mapping
from lerobot_recorder.row_plan import RowPlan

FRONT = '/front/image_raw'
FEATURES = {
    'observation.state': {'topic': '/joint_states'},
    'action': {'topic': '/joint_commands'},
    'observation.images.front': {'topic': FRONT},
}


def numbers(topic, hz=50, seconds=8.0, start_s=0.0, value=None, delay_s=0.0):
    for k in range(round(seconds * hz)):
        stamp, time = T0 + round(start_s * S) + k * S // hz, k / hz - delay_s
        at = value if value is not None else np.sin(1.3 * time) + np.sin(3.1 * time)
        yield raw(topic, joint_state(stamp, 'ab', [at, 2 * at]), stamp + 2 * MS)


def scenery(k):
    return np.random.default_rng(k).integers(0, 255, (24, 32, 3), np.uint8)


def camera(picture=scenery, make_one=image, seconds=8.0):
    for k in range(round(seconds * 30)):
        stamp = T0 + k * S // 30
        yield raw(FRONT, make_one(stamp, picture(k)), stamp + 20 * MS)


def told(*streams, features=FEATURES) -> list[str]:
    messages = sorted((one for some in streams for one in some), key=lambda one: one.received_ns)
    plan = RowPlan(build_mapping({'features': features}, 'x'))
    for one in messages:
        plan.learn(one)
    plan.settle()
    ear = Ear(plan)
    for one in messages:
        ear.add(one)
    return [str(finding) for finding in heard_disagreements(plan, ear)]


def test_a_bag_that_is_as_it_should_be():
    follows = numbers('/joint_states', delay_s=0.1)
    assert told(follows, numbers('/joint_commands'), camera()) == [
        'action /joint_commands: the state follows it after about 100 ms'
    ]


def test_a_mirror():
    lines = told(numbers('/joint_states', hz=100), numbers('/joint_commands'))
    assert lines[0].startswith('action /joint_commands: is observation.state /joint_states over')


@pytest.mark.parametrize(
    ('picture', 'expected'),
    [
        (lambda k: np.zeros((24, 32, 3), np.uint8), 'its pictures are black'),
        (lambda k: np.full((24, 32, 3), 90 + k // 90, np.uint8), 'its pictures are of one colour'),
        (lambda k: scenery(1), 'every picture is the same one'),
        (lambda k: scenery(k // 2), '30 of its first 60 pictures are the one before, stamped'),
    ],
)
@pytest.mark.parametrize('kind', [image, compressed])
def test_cameras_that_show_nothing_new(picture, expected, kind):
    lines = told(numbers('/joint_states'), camera(picture, kind),
                 features={k: FEATURES[k] for k in FEATURES if k != 'action'})  # fmt: skip
    assert any(expected in line for line in lines), lines


def test_what_stands_still_at_first_and_moves_later_is_not_still():
    rest = numbers('/joint_states', seconds=60, value=0.5)
    moves = numbers('/joint_states', seconds=5, start_s=60)
    alone = {'observation.state': FEATURES['observation.state']}
    assert told(rest, moves, features=alone) == []
    lines = told(numbers('/joint_states', seconds=60, value=0.5), features=alone)
    assert lines[0].startswith('observation.state /joint_states: never changes')


def test_commands_that_come_at_the_end_only_are_silent_most_of_the_time():
    late = numbers('/joint_commands', seconds=4, start_s=46)
    lines = told(numbers('/joint_states', seconds=50), late)
    assert 'action /joint_commands: is silent for 92% of the time' in ' '.join(lines)


def test_commands_with_a_long_pause_are_silent_too():
    parts = (
        numbers('/joint_commands', seconds=4),
        numbers('/joint_commands', seconds=4, start_s=46),
    )
    lines = told(numbers('/joint_states', seconds=50), *parts)
    assert 'action /joint_commands: is silent for 84% of the time' in ' '.join(lines)


def test_doubled_names_and_long_quaternions_are_heard():
    def pose(at):
        place = make('geometry_msgs/msg/Point', 0.0, 0.0, 0.0)
        turned = make('geometry_msgs/msg/Quaternion', 0.0, 0.0, 0.0, 3.0)
        placed = make('geometry_msgs/msg/Pose', place, turned)
        return make('geometry_msgs/msg/PoseStamped', joint_state(at, 'a', [0]).header, placed)

    poses = [raw('/pose', pose(T0 + k * 20 * MS), T0 + k * 20 * MS + MS) for k in range(100)]
    twice = [raw('/joint_states', joint_state(T0 + k * 20 * MS, 'aab', [k, k, k]),
                 T0 + k * 20 * MS + MS) for k in range(100)]  # fmt: skip
    features = {'observation.state': {'topic': '/joint_states', 'joints': ['a', 'b']},
                'observation.pose': {'topic': '/pose'}}  # fmt: skip
    lines = ' '.join(told(poses, twice, features=features))
    assert 'observation.state /joint_states: its messages name a twice' in lines
    assert 'observation.pose /pose: its quaternions are not of length 1 (up to 3)' in lines
    assert 'observation.pose /pose: never changes' in lines


def test_a_bad_message_is_left_to_those_who_need_it():
    broken = [raw('/joint_states', joint_state(T0 + k * MS, 'xyz', [1, 2, 3]), T0 + k * MS)
              for k in range(3)]  # fmt: skip
    alone = {'observation.state': {'topic': '/joint_states', 'joints': ['a', 'b']}}
    plan = RowPlan(build_mapping({'features': alone}, 'x'))
    ear = Ear(plan)
    for one in broken:
        ear.add(one)
    assert heard_disagreements(plan, ear) == []


def test_bags_of_others(shared_data):
    def of(name, features, fps=30):
        with BagReader(shared_data / 'bags' / name) as bag:
            mapping = build_mapping({'features': features, 'fps': fps}, 'x')
            plan, base = learn(bag, mapping, None).plan, bag_time(bag, mapping.topics())
            ear = Ear(plan, bag.types)
            for one in base.messages(bag, mapping.topics()):
                ear.add(one)
            return ' '.join(str(finding) for finding in heard_disagreements(plan, ear))

    drift = of('abitobot__joint_states_imu', {'observation.state': {'topic': '/joint_states'}}, 20)
    assert 'its stamps and the log run apart' in drift
    long = of('plotjuggler__rosbag2_test', {'observation.pose': {'topic': '/pose'}}, 25)
    assert 'quaternions are not of length 1' in long
    g1 = of('DERIVED__g1_episode_000002_mcap',
            {'observation.images.high': {'topic': '/cam_high/image_raw/compressed'}})  # fmt: skip
    assert '27 of its first 60 pictures are the one before, stamped anew' in g1
