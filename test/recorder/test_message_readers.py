from __future__ import annotations

import sys
from importlib.metadata import EntryPoint
from types import ModuleType

import numpy as np
import pytest

from lerobot_drivers.common.errors import ConfigError
from lerobot_drivers.common.registry import Registry
from lerobot_recorder.message_readers import ReaderTable

HAND = 'my_msgs/msg/Hand'


class HandReader:
    made = 0

    def __init__(self):
        HandReader.made += 1

    def __call__(self, message, field):
        return list(message.fingers), np.array([message.force] * 2)


def known(message, field):
    return None, np.empty(0)


@pytest.fixture
def table(monkeypatch):
    module = ModuleType('my_hand')
    module.HandReader = HandReader
    monkeypatch.setitem(sys.modules, 'my_hand', module)

    def made(**points):
        listed = [
            EntryPoint(name, value, 'lerobot_ros.messages') for name, value in points.items()
        ]
        monkeypatch.setattr(
            'lerobot_drivers.common.registry.entry_points',
            lambda group: [p for p in listed if p.group == group],
        )
        return ReaderTable({'std_msgs/msg/Bool': known}, Registry('message', {}))

    return made


def test_a_package_brings_a_reader_along(table):
    HandReader.made = 0
    readers = table(**{HAND: 'my_hand:HandReader'})
    assert HAND in readers and 'my_msgs/msg/Foot' not in readers
    assert list(readers) == ['std_msgs/msg/Bool', HAND] and len(readers) == 2
    assert HandReader.made == 0
    assert readers[HAND] is readers[HAND]
    assert HandReader.made == 1
    assert readers['std_msgs/msg/Bool'] is known


def test_an_unknown_type_has_none(table):
    with pytest.raises(KeyError):
        table()['my_msgs/msg/Hand']


def test_a_type_that_is_read_already_is_refused(table):
    with pytest.raises(ConfigError, match=r"'std_msgs/msg/Bool' is defined twice: .* my_hand:Han"):
        list(table(**{'std_msgs/msg/Bool': 'my_hand:HandReader'}))


def test_a_class_that_is_not_there_is_told(table):
    readers = table(**{HAND: 'my_hand:Hands'})
    with pytest.raises(ConfigError, match=r"type 'my_msgs/msg/Hand' \(my_hand:Hands\) can"):
        readers[HAND]
