from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml
from synthetic_messages import MS, T0, S, header, image, joint_state, make, raw

from lerobot_drivers.common.errors import ConfigError, StreamError
from lerobot_recorder.draft import Draft, make_draft
from lerobot_recorder.draft_text import Frame, session_text
from lerobot_recorder.guess import NONE, TopicHints
from lerobot_recorder.offers import Offer
from lerobot_recorder.presets import Chosen, choose
from lerobot_recorder.session_file import record_config
from lerobot_recorder.suggested_rate import nominal, suggest_fps
from lerobot_recorder.survey import SeenTopic, Survey

JS, IMG = 'sensor_msgs/msg/JointState', 'sensor_msgs/msg/Image'
ARR, WRENCH = 'std_msgs/msg/Float64MultiArray', 'geometry_msgs/msg/WrenchStamped'
LAB = (Offer('/lab', '', True),)
STATE, ACTION = 'observation.state', 'action'


def joints(topic: str, *names: str, hz: float = 100.0) -> SeenTopic:
    return SeenTopic(topic, JS, LAB, hz, names or ('a', 'b'))


def array(topic: str, number: int = 2) -> SeenTopic:
    names = tuple(map(str, range(number)))
    return SeenTopic(topic, ARR, LAB, 50.0, names, has_names=False)


def camera(name: str, hz: float = 30.0, **more) -> SeenTopic:
    return SeenTopic(f'/{name}/image_raw', IMG, LAB, hz, size=(640, 480), **more)


def draft(*seen: SeenTopic, hints: TopicHints | None = None, preset=None) -> Draft:
    topics = {one.topic: one.msgtype for one in seen}
    chosen = choose(preset, topics) if preset else Chosen()
    return make_draft({one.topic: one for one in seen}, hints or TopicHints(), chosen)


def values(made: Draft) -> dict:
    return {entry.key: entry.value for entry in made.features}


def text_of(made: Draft, said=None) -> str:
    return session_text(made, Frame('head', {}, said or {}))


def read_back(made: Draft, tmp_path: Path, dataset=None):
    """Return the mapping that ``record --config_path`` makes of a draft's text."""
    sections = yaml.safe_load(text_of(made, dataset or {}))
    return sections, record_config(sections, 'record.yaml')


def test_a_clear_graph_is_taken_as_it_is(tmp_path):
    made = draft(joints('/lab/joint_states'), array('/lab/forward_controller/commands'),
                 camera('front'), SeenTopic('/ft/wrench', WRENCH, LAB, 1000.0))  # fmt: skip
    assert values(made) == {
        STATE: {'topic': '/lab/joint_states', 'joints': ['a', 'b']},
        ACTION: {'topic': '/lab/forward_controller/commands', 'joints': ['a', 'b']},
        'observation.images.front': {'topic': '/front/image_raw'},
    }
    assert [(e.key, e.value) for e in made.native] == [('ft_wrench', {'topic': '/ft/wrench'})]
    assert (
        'assumed: its values are in the order of /lab/joint_states' in made.features[1].comments[1]
    )
    assert made.undecided == [] and made.left_out == {}
    sections, config = read_back(made, tmp_path)
    assert sections['attach'] is True and config.dataset.fps == 30
    mapping = config.mapping('/', {})
    assert mapping.topics() == ['/lab/joint_states', '/lab/forward_controller/commands',
                                '/front/image_raw']  # fmt: skip
    assert mapping.native['ft_wrench'].topic == '/ft/wrench'


def test_values_whose_number_is_not_that_of_the_joints_get_no_names():
    made = draft(joints('/joint_states'), array('/controller/commands', 3))
    assert values(made)[ACTION] == {'topic': '/controller/commands'}
    assert 'no names' in made.features[1].comments[1]


def test_two_robots_are_laid_out_and_none_is_picked(tmp_path):
    arms = [joints('/left/joint_states', 'a', 'b'), joints('/right/joint_states', 'c', 'd')]
    made = draft(*arms, array('/left/c/commands'), array('/right/c/commands'), camera('front'))
    assert made.undecided == [STATE, ACTION]
    assert [value for value, _ in made.features[1].candidates] == [
        {'topic': '/left/c/commands', 'joints': ['a', 'b']},
        {'topic': '/right/c/commands', 'joints': ['c', 'd']},
        {
            'sources': [
                {'topic': '/left/c/commands', 'joints': ['a', 'b']},
                {'topic': '/right/c/commands', 'joints': ['c', 'd']},
            ]
        },
    ]
    text = text_of(made)
    assert '    observation.state: null' in text
    for topic in ('/left/joint_states', '/right/joint_states', '/left/c/commands'):
        assert sum(topic in line for line in text.splitlines() if line.lstrip()[0] == '#') >= 1
    _, config = read_back(made, tmp_path)
    with pytest.raises(ConfigError, match=r'observation\.state is not decided yet'):
        config.mapping('/', {})


def test_a_candidate_that_is_uncommented_is_recorded(tmp_path):
    made = draft(joints('/left/joint_states'), joints('/right/joint_states'))
    lines = text_of(made).splitlines()
    at = next(i for i, line in enumerate(lines) if '/right/joint_states' in line)
    lines[at - 1 : at + 2] = [line.replace('# ', '', 1) for line in lines[at - 1 : at + 2]]
    text = '\n'.join(lines).replace('    observation.state: null\n', '')
    config = record_config(yaml.safe_load(text), 'record.yaml')
    assert config.mapping('/', {}).topics() == ['/right/joint_states']


def test_numbers_without_names_get_words_that_tell_them_apart():
    states = joints('/a/joint_states', *'xyz'), joints('/b/joint_states', *'xyz')
    made = draft(*states, array('/a/commands', 1), joints('/b/joint_commands', 'g'))
    together = made.features[1].candidates[-1][0]
    assert [source['names'] for source in together['sources']] == [
        ['a_0.pos'], ['b_g.pos']
    ]  # fmt: skip


def controller(topic: str) -> SeenTopic:
    kind = 'control_msgs/msg/JointTrajectoryControllerState'
    return SeenTopic(topic, kind, LAB, 50.0, ('a', 'b'))


def test_a_controller_tells_what_it_was_asked_for_where_nobody_else_does():
    asked = {'topic': '/arm/state', 'field': 'reference.position', 'joints': ['a', 'b']}
    made = draft(joints('/joint_states'), controller('/arm/state'))
    assert values(made) == {STATE: {'topic': '/joint_states', 'joints': ['a', 'b']}, ACTION: asked}
    assert 'what its controller was asked for' in made.features[1].told
    alone = values(draft(controller('/arm/state')))
    assert alone == {STATE: {'topic': '/arm/state', 'joints': ['a', 'b']}, ACTION: asked}
    commands = joints('/joint_states'), controller('/arm/state'), joints('/joint_commands')
    assert values(draft(*commands))[ACTION]['topic'] == '/joint_commands'
    two = draft(joints('/joint_states'), controller('/left/state'), controller('/right/state'))
    together = two.features[1].candidates[-1][0]['sources']
    assert [one['names'] for one in together] == [
        ['left_a.pos', 'left_b.pos'], ['right_a.pos', 'right_b.pos']
    ]  # fmt: skip


def test_a_trajectory_is_taken_by_its_first_point_and_that_is_told():
    planned = SeenTopic(
        '/arm/joint_trajectory', 'trajectory_msgs/msg/JointTrajectory', LAB, 1, ('a', 'b')
    )
    made = draft(joints('/joint_states'), planned)
    assert values(made)[ACTION] == {'topic': '/arm/joint_trajectory', 'joints': ['a', 'b']}
    assert 'field: last.position takes its goal' in made.features[1].told


def test_what_the_user_says_decides():
    graph = (joints('/left/joint_states'), joints('/right/joint_states'), camera('front'),
             camera('side'))  # fmt: skip
    made = draft(*graph, hints=TopicHints('/right/joint_states', NONE, {'a': '/side/image_raw'}))
    assert list(values(made)) == [STATE, 'observation.images.a']
    assert made.left_out['/front/image_raw'].startswith('another transport')
    with pytest.raises(StreamError, match=r'--topics.state: there is no topic /nope'):
        draft(*graph, hints=TopicHints('/nope'))


def test_a_preset_decides_and_what_it_lacks_is_found():
    ur = ('shoulder_pan_joint', 'shoulder_lift_joint', 'elbow_joint', 'wrist_1_joint',
          'wrist_2_joint', 'wrist_3_joint')  # fmt: skip
    made = draft(joints('/joint_states', *ur), joints('/other/joint_states'),
                 array('/forward_position_controller/commands', 6), camera('front'),
                 preset='ur')  # fmt: skip
    assert values(made)[ACTION]['joints'] == list(ur)
    assert list(values(made))[2] == 'observation.images.front'
    assert made.robot_type == 'ur'
    assert [(one.key, one.value['topic']) for one in made.optional] == [
        ('observation.other_joint_states', '/other/joint_states')
    ]
    assert made.left_out == {}


def test_other_features_of_a_preset_are_kept():
    chosen = Chosen({'observation.wrench': {'topic': '/ft/wrench'}})
    state = joints('/joint_states')
    made = make_draft({state.topic: state}, TopicHints(), chosen)
    assert values(made)['observation.wrench'] == {'topic': '/ft/wrench'}


def test_silent_and_broken_topics_are_left_out_with_the_reason():
    gone, depth = camera('gone', problem='no message came'), SeenTopic('/depth/image_raw', IMG)
    sent = joints('/joint_commands_sent')
    made = draft(joints('/joint_states'), camera('front'), gone, depth, sent)
    assert made.optional[-1].value == {'topic': '/depth/image_raw'}
    assert made.optional[-1].key == 'observation.images.depth'
    assert made.left_out == {
        '/gone/image_raw': 'no message came',
        '/joint_commands_sent': 'kept beside the dataset anyway',
    }


def test_a_topic_heard_comes_before_one_that_is_silent():
    silent = SeenTopic('/b/joint_states', JS, LAB, problem='no message came')
    assert values(draft(joints('/a/joint_states'), silent))[STATE]['topic'] == '/a/joint_states'


def test_the_dataset_is_as_the_user_says(tmp_path):
    said = {'repo_id': 'me/pick', 'single_task': 'Pick: the cube', 'fps': 15, 'root': '/tmp/x',
            'rgb_encoder': {'vcodec': 'h264'}}  # fmt: skip
    sections, config = read_back(draft(joints('/joint_states')), tmp_path, said)
    assert {key: sections['dataset'][key] for key in said} == said
    assert config.dataset.fps == 15


@pytest.mark.parametrize(
    ('rates', 'fps'),
    [([30.0], 30), ([29.3, 30.4], 30), ([30, 15.1], 15), ([30, 5], 30), ([27.0], 27), ([0.5], 1)],
)
def test_rows_as_fast_as_the_slowest_camera(rates, fps):
    cameras = [camera(str(number), rate) for number, rate in enumerate(rates)]
    assert suggest_fps(cameras, None)[0] == fps


def test_rows_without_cameras():
    assert suggest_fps([], joints('/j', hz=200))[0] == 30
    assert suggest_fps([], joints('/j', hz=10.2))[0] == 10
    assert nominal(59.0) == 60


def offers(topic: str) -> list[Offer]:
    return [Offer('/lab', JS, False)]


def test_a_survey_learns_from_messages():
    survey = Survey(offers)
    survey.look({'/js': JS, '/cam': IMG, '/depth': IMG, '/bad': IMG, '/quiet': ARR, '/text': 'x'})
    for at in range(T0, T0 + 2 * S, 20 * MS):
        names = ['a', 'b', 'c'] if at // (20 * MS) % 2 else ['c', 'b']
        velocity = [0.0] * len(names)
        survey.add(raw('/js', joint_state(at, names, [0.0] * len(names), velocity), at))
        survey.add(raw('/cam', image(at, np.zeros((48, 64, 3), np.uint8)), at))
        survey.add(raw('/depth', image(at, np.zeros((8, 8, 2), np.uint8), '16UC1'), at))
        survey.add(raw('/bad', image(at, np.zeros((8, 8, 3), np.uint8), 'nonsense'), at))
    survey.add(raw('/js', joint_state(T0 + 2 * S, ['a', 'b', 'c'], [1, 2, 3]), T0 + 2 * S))
    seen = survey.seen()
    assert list(seen) == ['/bad', '/cam', '/depth', '/js', '/quiet']
    assert seen['/js'].joints == ('a', 'b', 'c') and seen['/js'].fields == ('velocity',)
    assert seen['/js'].rate_hz == pytest.approx(50)
    assert (seen['/cam'].size, seen['/cam'].is_depth) == ((64, 48), False)
    assert seen['/depth'].is_depth
    assert 'nonsense' in seen['/bad'].problem
    assert seen['/quiet'].problem == 'no message came'
    assert seen['/cam'].told == '50.0 Hz, 64x48, sensor_msgs/Image, best effort, of /lab'


def test_a_twist_is_named_by_itself():
    zero = make('geometry_msgs/msg/Vector3', 0.0, 0.0, 0.0)
    made = make('geometry_msgs/msg/Twist', zero, zero)
    twist = make('geometry_msgs/msg/TwistStamped', header(T0), made)
    survey = Survey(offers)
    survey.look({'/servo_node/delta_twist_cmds': twist.__msgtype__})
    survey.add(raw('/servo_node/delta_twist_cmds', twist, T0))
    (one,) = survey.seen().values()
    assert one.joints and 'linear' in one.joints[0]
    made = draft(joints('/joint_states'), one, preset='moveit_servo')
    assert values(made)[ACTION] == {'topic': '/servo_node/delta_twist_cmds'}
