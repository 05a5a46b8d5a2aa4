"""What the types of a bag are made of: its own definitions, given ones, standard ones."""

from __future__ import annotations

import pytest
from synthetic_messages import TYPES, joint_state, make

from lerobot_drivers.common.errors import BagError
from lerobot_recorder.bags.definitions import BagTypes, UnusableTypeError
from lerobot_recorder.bags.given_types import GivenTypes
from lerobot_recorder.bags.storage import Definition
from lerobot_recorder.messages import HEADER, standard_types

GRIP = 'lab_msgs/msg/Grip'
PART = '=' * 80 + '\n'


def types_of(*given, installed=None):
    return BagTypes(GivenTypes(given), (installed or {}).get)


def learnt(msgtype, *definitions, given=(), installed=None):
    types = types_of(*given, installed=installed)
    for name, language, text in definitions:
        types.take(name, Definition(language, text))
    types.learn(msgtype)
    return types.finish().fielddefs


def names(fields, msgtype):
    return [name for name, _ in fields[msgtype][1]]


def file(folder, name, text):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_the_bags_own_counts_also_for_a_standard_type():
    own = 'string data\nuint8 added_later\n'
    fields = learnt('std_msgs/msg/String', ('std_msgs/msg/String', 'ros2msg', own))
    assert names(fields, 'std_msgs/msg/String') == ['data', 'added_later']
    assert fields[HEADER] == standard_types().fielddefs[HEADER]


def test_a_type_that_only_names_what_is_in_it():
    fields = learnt(GRIP, (GRIP, 'ros2msg', 'std_msgs/Header header\nsensor_msgs/JointState s\n'))
    assert names(fields, 'sensor_msgs/msg/JointState')[1] == 'name'


def test_windows_line_ends():
    text = f'lab_msgs/Finger[] fingers\r\n{PART}MSG: lab_msgs/Finger\r\nfloat64 f\r\n'
    fields = learnt(GRIP, (GRIP, 'ros2msg', text))
    assert names(fields, 'lab_msgs/msg/Finger') == ['f']


IDL = """module lab_msgs { module msg { struct Grip {
  std_msgs::msg::Header header; double force; }; }; };"""


@pytest.mark.parametrize('text', [IDL, f'{PART}IDL: lab_msgs/msg/Grip\n{IDL}'])
def test_idl(text):
    assert names(learnt(GRIP, (GRIP, 'ros2idl', text)), GRIP) == ['header', 'force']


def test_headers_of_ros1_have_no_counter_in_ros2():
    head = 'MSG: std_msgs/Header\nuint32 seq\ntime stamp\nstring frame_id\n'
    text = f'Header header\nfloat64 f\n{PART}{head}'
    types = types_of()
    types.take(GRIP, Definition('ros1msg', text))
    types.learn(GRIP)
    assert types.finish().fielddefs[HEADER][1] == standard_types().fielddefs[HEADER][1]


def test_events_of_services():
    name = 'lab_msgs/srv/Open_Event'
    text = (
        f'service_msgs/ServiceEventInfo info\nlab_msgs/srv/Open_Request[<=1] request\n'
        f'{PART}MSG: lab_msgs/srv/Open_Request\nfloat64 width\n'
        f'{PART}MSG: service_msgs/ServiceEventInfo\nuint8 event_type\n'
    )
    fields = learnt(name, (name, 'ros2msg', text))
    assert names(fields, name) == ['info', 'request']
    assert names(fields, 'lab_msgs/srv/Open_Request') == ['width']


@pytest.mark.parametrize('name', ['lab_msgs/msg/Grip.msg', 'flat/Grip.msg', 'Grip.msg'])
@pytest.mark.parametrize('of_the_file', [False, True])
def test_given_files(tmp_path, name, of_the_file):
    path = file(tmp_path, name, 'float64 given\n')
    assert names(learnt(GRIP, given=[path if of_the_file else tmp_path]), GRIP) == ['given']


def test_a_given_idl_file(tmp_path):
    file(tmp_path, 'share/lab_msgs/msg/Grip.idl', IDL)
    assert names(learnt(GRIP, given=[tmp_path]), GRIP) == ['header', 'force']


def test_what_is_nearest_counts(tmp_path):
    file(tmp_path, 'lab_msgs/msg/Grip.msg', 'float64 given\n')
    file(tmp_path, 'other_msgs/msg/Grip.msg', 'float64 of_another_package\n')
    installed = {GRIP: 'float64 installed\n'}
    own = (GRIP, 'ros2msg', 'float64 own\n')
    assert names(learnt(GRIP, own, given=[tmp_path], installed=installed), GRIP) == ['own']
    assert names(learnt(GRIP, given=[tmp_path], installed=installed), GRIP) == ['given']
    assert names(learnt(GRIP, installed=installed), GRIP) == ['installed']
    broken = (GRIP, 'ros2msg', 'float64 [x\n')
    assert names(learnt(GRIP, broken, given=[tmp_path]), GRIP) == ['given']


def test_a_folder_that_gives_nothing(tmp_path):
    for path in (tmp_path, tmp_path / 'none'):
        with pytest.raises(BagError, match=r'is no \.msg or \.idl file, and no folder that holds'):
            GivenTypes([path])


@pytest.mark.parametrize(
    ('language', 'text', 'why'),
    [
        ('ros2msg', 'float64 [x\n', 'cannot be parsed'),
        ('ros2idl', 'module {', 'cannot be parsed'),
        ('jsonschema', '{}', 'cannot be parsed: jsonschema language, neither ros2msg'),
        ('ros2msg', 'float64 f\n' * 200_000, 'has 2000000 characters'),
        ('ros2msg', 'lab_msgs/Missing part\n', 'nobody defines lab_msgs/msg/Missing, which is in'),
    ],
)
def test_a_definition_that_is_none_says_why(language, text, why):
    with pytest.raises(UnusableTypeError, match=why):
        learnt(GRIP, (GRIP, language, text))


def test_nobody_knows_it():
    with pytest.raises(UnusableTypeError, match=rf'nobody defines {GRIP}; .* --msgs=FOLDER'):
        learnt(GRIP)


def test_one_type_defined_in_two_ways():
    types = types_of()
    types.take(GRIP, Definition('ros2msg', 'float64 a\n'))
    types.take(GRIP, Definition('ros2msg', '# the same\nfloat64 A\n'))
    with pytest.raises(UnusableTypeError, match=f'defines {GRIP} in two ways'):
        types.take(GRIP, Definition('ros2msg', 'float32 a\n'))


def test_known_types_are_not_made_anew():
    text, _ = TYPES.generate_msgdef('sensor_msgs/msg/JointState', ros_version=2)
    types = types_of()
    types.take('sensor_msgs/msg/JointState', Definition('ros2msg', text))
    types.learn('sensor_msgs/msg/JointState')
    store, name = types.finish(), 'sensor_msgs/msg/JointState'
    assert store.types[name] is standard_types().types[name]
    assert store.types is not standard_types().types
    data = TYPES.serialize_cdr(joint_state(5, ['a'], [1.0]), name)
    assert store.deserialize_cdr(data, name).name == ['a']
    assert make('std_msgs/msg/String', 'x').data == 'x'
