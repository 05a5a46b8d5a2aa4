"""Tables of plugins: lazy, extended by entry points, loud about names."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint

import pytest

from lerobot_drivers.common import registry
from lerobot_drivers.common.errors import ConfigError
from lerobot_drivers.common.registry import Registry, load_object, load_registry

TABLE = {'good': 'lerobot_drivers.common.clock:ManualClock', 'broken': 'no_such_module:Thing'}


@pytest.fixture
def points(monkeypatch):
    found: list[EntryPoint] = []
    monkeypatch.setattr(
        registry, 'entry_points', lambda group: [p for p in found if p.group == group]
    )
    return found


def point(name, value, group='lerobot_ros.things'):
    return EntryPoint(name, value, group)


def test_nothing_is_imported_before_it_is_asked_for(points):
    table = Registry('thing', TABLE)
    assert table.names() == ['broken', 'good']
    assert table.target('broken') == 'no_such_module:Thing'
    assert table.load('good').__name__ == 'ManualClock'


def test_an_unknown_name_lists_the_known_ones(points):
    points.append(point('ours', 'a:B'))
    with pytest.raises(
        ConfigError, match="unknown thing type 'x'; known types: broken, good, our"
    ):
        Registry('thing', TABLE).target('x')


def test_entry_points_of_its_group_extend_a_table(points):
    points += [point('more', 'json:JSONDecoder'), point('other', 'a:B', 'lerobot_ros.robots')]
    table = Registry('thing', TABLE)
    assert table.names() == ['broken', 'good', 'more']
    assert table.load('more').__name__ == 'JSONDecoder'


def test_a_name_defined_twice_is_an_error_each_time(points):
    points += [point('good', TABLE['good']), point('new', 'a:B'), point('new', 'c:D')]
    table = Registry('thing', TABLE)
    for ask in (table.names, table.names, lambda: table.target('good')):
        with pytest.raises(ConfigError, match="thing type 'new' is defined twice: a:B and c:D"):
            ask()


def test_what_cannot_be_imported_keeps_its_cause(points):
    with pytest.raises(ConfigError, match=r'broken.*no_such_module') as caught:
        Registry('thing', TABLE).load('broken')
    assert isinstance(caught.value.__cause__, ImportError)
    assert 'no_such_module' not in sys.modules


@pytest.mark.parametrize(
    ('target', 'told'),
    [
        ('json:NoSuch', 'cannot be imported'),
        ('json', 'cannot be imported'),
        ('json:loads', 'is no class'),
    ],
)
def test_what_is_no_class_is_told(target, told):
    with pytest.raises(ConfigError, match=f'the gripper .*{told}'):
        load_object(target, 'the gripper')


def test_a_table_is_found_by_its_name():
    found = load_registry('lerobot_drivers.robots:ROBOTS')
    assert found.kind == 'robot' and 'so101_follower' in found.names()
