"""The arm node on a simulated LeKiwi: its base on topics."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip('rclpy', reason='needs the ROS wheels')
pytest.importorskip('nav_msgs.msg', reason='needs ros-nav-msgs (extra ros-jazzy or ros)')

from geometry_msgs.msg import Twist, TwistStamped
from nav_msgs.msg import Odometry
from rclpy.parameter import Parameter
from std_srvs.srv import Trigger

from lerobot_drivers import ros
from lerobot_drivers.arm_node import ArmNode
from lerobot_drivers.sim.client import SimClient

pytestmark = pytest.mark.ros
CONFIG = """
robot:
  type: lekiwi
  port: sim://lekiwi_node/kiwi
  rate_hz: 50
  base: {cmd_vel_timeout: 0.3, max_linear_acceleration: 5.0}
"""


@pytest.fixture
def sim() -> Any:
    with SimClient('lekiwi_node') as client:
        client.attach_arm('kiwi', 'lekiwi')
        yield client


def twist(x: float = 0.0, turn: float = 0.0) -> Twist:
    message = Twist()
    message.linear.x, message.angular.z = x, turn
    return message


def speed(sim: SimClient) -> float:
    moving = sim.truth('kiwi')['velocity']
    return max(abs(value) for name, value in moving.items() if name.startswith('base_'))


def test_it_drives_as_asked_tells_where_it_is_and_stops(
    graph: Any, config_file: Callable[[str], Path], sim: SimClient
) -> None:
    odom = graph.listen(Odometry, 'odom')
    sent = graph.listen(TwistStamped, 'cmd_vel_sent')
    overrides = [Parameter('config_file', value=str(config_file(CONFIG)))]
    node = graph.add(ArmNode(parameter_overrides=overrides))
    node.autostart()
    asked = graph.publisher(Twist, 'cmd_vel')
    policy = graph.publisher(TwistStamped, 'policy/cmd_vel')

    def drive(x: float = 0.1, turn: float = 0.5) -> bool:
        asked.publish(twist(x, turn))
        return bool(odom) and odom[-1].twist.twist.linear.x == pytest.approx(x, abs=0.01)

    graph.until(drive)
    measured, message = odom[-1], sent[-1]
    assert measured.twist.twist.angular.z == pytest.approx(0.5, abs=0.05)
    assert (measured.header.frame_id, measured.child_frame_id) == ('odom', 'base_link')
    assert ros.stamp_ns(measured.header.stamp) > 0
    covariance = measured.pose.covariance.reshape(6, 6)
    assert 0 < covariance[0, 0] < 0.1 and covariance[2, 2] > 1e3, 'it stays on the floor'
    assert message.twist.linear.x == pytest.approx(0.1)

    # Silence stops it, and the last place it tells is where it is.
    graph.until(lambda: sent[-1].twist == Twist() and speed(sim) < 1e-3)
    graph.until(lambda: odom[-1].twist.twist.linear.x == 0.0)
    x, y, heading = sim.truth('kiwi')['place']
    place = odom[-1].pose.pose
    assert (place.position.x, place.position.y) == pytest.approx((x, y), abs=2e-3)
    assert 2 * math.atan2(place.orientation.z, place.orientation.w) == pytest.approx(
        heading, abs=5e-3
    )

    # What is stale or no number is not obeyed, and a policy yields to cmd_vel.
    old = TwistStamped(twist=twist(0.1))
    old.header.stamp = ros.stamp_message(ros.now_ns(node) - 10**9)
    policy.publish(old)
    asked.publish(twist(math.nan))
    before = len(sent)
    graph.until(lambda: len(sent) > before + 5)
    assert speed(sim) < 1e-3
    policy.publish(TwistStamped(twist=twist(-0.1)))
    graph.until(lambda: drive(0.1, 0.0))
    assert all(one.twist.linear.x >= -0.1 for one in sent)

    # An emergency stop holds for the base too, whoever goes on asking.
    stop = graph.peer.create_client(Trigger, 'emergency_stop')
    graph.until(stop.service_is_ready)
    answer = stop.call_async(Trigger.Request())
    graph.until(answer.done)
    before = len(sent)
    graph.until(lambda: (drive(), len(sent) > before + 10)[1])
    assert sent[-1].twist == Twist() and speed(sim) < 1e-3
    assert node.trigger_deactivate() and speed(sim) < 1e-3
