"""The arm node on a simulated LeKiwi: its base on topics."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='needs the ROS wheels')
pytest.importorskip('nav_msgs.msg', reason='needs ros-nav-msgs (extra ros-jazzy or ros)')

from geometry_msgs.msg import Twist, TwistStamped
from nav_msgs.msg import Odometry
from rclpy.parameter import Parameter
from sensor_msgs.msg import JointState
from std_msgs.msg import String
from std_srvs.srv import Trigger

from lerobot_drivers import ros
from lerobot_drivers.arm_node import ArmNode
from lerobot_drivers.robots.lekiwi_plan import ARM_JOINTS
from lerobot_drivers.sim.client import SimClient
from lerobot_policy.policy_node import PolicyNode
from lerobot_recorder.dataset.dataset_writer import DatasetInfo, DatasetWriter

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


def test_a_replay_drives_the_base_as_long_as_it_lasts_and_then_lets_it_stand(
    graph: Any, tmp_path: Path, config_file: Callable[[str], Path]
) -> None:
    names = [*(f'{name}.pos' for name in ARM_JOINTS), 'x.vel', 'y.vel', 'theta.vel']
    feature = {'dtype': 'float32', 'shape': [9], 'names': names}
    with DatasetWriter.create(tmp_path / 'set', DatasetInfo(50, {'action': feature})) as writer:
        for _ in range(25):
            action = np.array([0.0] * 5 + [50.0, 0.1, -0.05, 90.0], np.float32)
            writer.add_frame({'action': action}, {}, 'drive')
        writer.save_episode()
    policy = f"policy: {{type: replay, path: '{tmp_path / 'set'}'}}\n"
    path = config_file("robot: {type: lekiwi, port: 'sim://none/kiwi'}\n" + policy)
    states = graph.peer.create_publisher(JointState, 'joint_states', 10)
    odom = graph.peer.create_publisher(Odometry, 'odom', 10)
    asked = graph.listen(TwistStamped, 'policy/cmd_vel')
    stages = graph.listen(String, 'policy/stage', ros.qos_status())
    pose = [0.0] * 5 + [0.785]

    def talk() -> None:
        stamp = ros.now_ns(graph.peer)
        states.publish(ros.joint_state(stamp, ARM_JOINTS, pose))
        message = Odometry()
        message.header.stamp = ros.stamp_message(stamp)
        odom.publish(message)

    graph.peer.create_timer(0.01, talk)
    node = graph.add(PolicyNode(parameter_overrides=[Parameter('config_file', value=str(path))]))
    node.autostart()
    graph.until(lambda: stages and stages[-1].data == 'ended')
    graph.until(lambda: asked[-1].twist == Twist())
    driven = [one.twist for one in asked if one.twist != Twist()]
    assert 20 <= len(driven) <= 27
    first = driven[0]
    assert (first.linear.x, first.linear.y) == pytest.approx((0.1, -0.05))
    assert first.angular.z == pytest.approx(math.pi / 2)
    before = len(asked)
    graph.spin(0.1)
    assert len(asked) == before, 'who has let go says nothing more'
