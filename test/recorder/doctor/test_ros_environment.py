"""The doctor looks at the ROS environment, with or without ROS."""

from __future__ import annotations

import pytest

from lerobot_drivers.common.health import Level
from lerobot_recorder.doctor import ros_environment
from lerobot_recorder.doctor.ros_environment import (
    check_discovery,
    check_domain,
    check_ros,
    check_transport,
    import_rclpy,
)

FAST = 'rmw_fastrtps_cpp'


@pytest.mark.parametrize(
    ('domain', 'level'),
    [
        (None, Level.OK),
        ('42', Level.OK),
        ('150', Level.WARN),
        ('233', Level.ERROR),
        ('x', Level.ERROR),
    ],
)
def test_the_domain(domain, level):
    found = check_domain({} if domain is None else {'ROS_DOMAIN_ID': domain})
    assert (found.level, bool(found.advice)) == (level, level is not Level.OK)


@pytest.mark.parametrize(
    ('setting', 'level', 'told'),
    [
        (None, Level.OK, 'the whole network'),
        ('LOCALHOST', Level.OK, 'of this machine'),
        ('OFF', Level.WARN, 'ROS_STATIC_PEERS'),
        ('localhost', Level.ERROR, "'localhost'"),
    ],
)
def test_whom_nodes_meet(setting, level, told):
    found = check_discovery({'ROS_AUTOMATIC_DISCOVERY_RANGE': setting} if setting else {})
    assert found.level is level
    assert told in found.text


def test_the_transport(tmp_path):
    limit, profile = tmp_path / 'rmem_max', tmp_path / 'shm.xml'
    profile.touch()

    def levels(environment, middleware=FAST):
        return [each.level for each in check_transport(environment, middleware, limit, profile)]

    assert levels({}) == [Level.WARN, Level.OK]
    limit.write_text('212992\n')
    assert levels({}) == [Level.WARN, Level.OK]
    limit.write_text('4194304\n')
    assert levels({}) == [Level.OK, Level.OK]
    assert levels({}, 'rmw_cyclonedds_cpp') == [Level.OK, Level.OK]
    own = {'FASTRTPS_DEFAULT_PROFILES_FILE': str(profile)}
    assert levels(own) == [Level.OK, Level.OK]
    profile.unlink()
    assert levels(own) == levels({}) == [Level.OK, Level.ERROR]


def test_without_rclpy_that_is_all_there_is_to_say(monkeypatch):
    (found,) = check_ros({}, lambda: (False, "No module named 'rclpy'"))
    assert found.level is Level.ERROR
    assert "pip install 'lerobot_ros[ros]'" in found.advice
    assert len(check_ros({}, lambda: (True, FAST))) == 5
    monkeypatch.setattr(ros_environment, '_TRY', 'raise ImportError("libx.so is missing")')
    assert import_rclpy() == (False, 'ImportError: libx.so is missing')
    monkeypatch.setattr(ros_environment, '_TRY', 'import os; os.abort()')
    assert import_rclpy() == (False, 'exit code -6')
