from __future__ import annotations

import json

import pytest
from fact_messages import INFO, STRING, TF, camera_info, description, transforms
from synthetic_messages import T0, S

from lerobot_recorder.facts import MAX_VERSIONS, FactKind, Facts, fact_topics
from lerobot_recorder.mapping import build_mapping
from lerobot_recorder.messages import RawMessage

FEATURES = {
    'observation.images.left': {'topic': '/lab/left/image_raw'},
    'observation.images.right': {'topic': '/lab/right/image_raw/compressed'},
}


def heard(*messages) -> Facts:
    facts = Facts()
    facts.watch(
        {
            '/lab/left/camera_info': FactKind.CAMERA_INFO,
            '/tf_static': FactKind.STATIC_TRANSFORMS,
            '/robot_description': FactKind.ROBOT_DESCRIPTION,
        }
    )
    for message in messages:
        facts.add(message)
    return facts


def documents(facts, kind, topic):
    files = facts.files()
    return [json.loads(files[each['file']]) for each in facts.report()[kind][topic]]


def test_topics_are_found_by_name_and_type():
    mapping = build_mapping({'features': FEATURES}, 'm')
    topics = {
        '/lab/left/camera_info': INFO, '/lab/right/camera_info': INFO, '/o/camera_info': INFO,
        '/tf_static': TF, '/arm/robot_description': STRING, '/x/tf_static': STRING,
        '/robot_description_semantic': STRING,
    }  # fmt: skip
    assert fact_topics(topics, mapping) == {
        '/lab/left/camera_info': FactKind.CAMERA_INFO,
        '/lab/right/camera_info': FactKind.CAMERA_INFO,
        '/tf_static': FactKind.STATIC_TRANSFORMS,
        '/arm/robot_description': FactKind.ROBOT_DESCRIPTION,
    }


def test_a_lens_is_told_once_and_anew_when_it_changes():
    facts = heard(*(camera_info(T0 + n * S, 500 + 10 * (n // 5)) for n in range(10)))
    versions = facts.report()['camera_info']['/lab/left/camera_info']
    assert [each['since_ns'] for each in versions] == [T0, T0 + 5 * S]
    first, second = documents(facts, 'camera_info', '/lab/left/camera_info')
    assert first['k'][0] == 500 and second['k'][0] == 510
    assert first['d'] == [0.1, 'nan'] and first['frame_id'] == 'base' and first['width'] == 640
    assert not any('stamp' in key for key in first)


def test_transforms_of_several_publishers_are_one_tree():
    camera, tool = transforms(('base', 'camera')), transforms(('base', 'tool'))
    facts = heard(camera, tool, camera)
    assert len(facts.report()['static_transforms']['/tf_static']) == 2
    (_, tree) = documents(facts, 'static_transforms', '/tf_static')
    assert sorted(tree) == ['camera', 'tool']
    assert tree['tool']['parent'] == 'base' and tree['tool']['translation']['x'] == 0.5
    other = heard(transforms(('base', 'tool')), transforms(('base', 'camera')))
    assert list(other.files())[-1] == list(facts.files())[-1], 'the order does not matter'


def test_a_description_is_kept_as_it_is():
    facts = heard(description('<robot name="ä"/>'))
    ((name, content),) = facts.files().items()
    assert name.startswith('robot_description-') and name.endswith('.urdf')
    assert content.decode() == '<robot name="ä"/>'


def test_the_next_episode_begins_with_what_is_in_force():
    facts = heard(description('a'), description('b', T0 + 1))
    assert len(facts.files()) == 2
    facts.begin_episode()
    ((name, content),) = facts.files().items()
    assert content == b'b'
    facts.add(description('b', T0 + 2))
    assert list(facts.files()) == [name]


def test_a_fact_that_never_rests_is_bounded():
    facts = heard(*(camera_info(T0 + n, 400.0 + n) for n in range(3 * MAX_VERSIONS)))
    assert len(facts.files()) == MAX_VERSIONS
    assert documents(facts, 'camera_info', '/lab/left/camera_info')[-1]['k'][0] == 459
    assert facts.changes() == {'/lab/left/camera_info': 60}


@pytest.mark.parametrize('data', [b'', b'\x00\x01\x00\x00\xff\xff\xff\xff'])
def test_what_cannot_be_read_is_noted(data):
    facts = heard(RawMessage('/tf_static', TF, data, 0, T0))
    if facts.errors:
        assert f'not a valid {TF}' in facts.errors['/tf_static']
    assert facts.report() == {}
