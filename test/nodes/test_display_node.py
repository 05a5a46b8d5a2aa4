"""The live view hears what the recorder would hear; nobody's window is needed."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.ros

CONFIG = """
robot: {type: so101_follower, id: arm, port: sim://display_test/arm}
display_data: true
display_ip: 192.0.2.7
display_port: 1234
"""


class Log:
    """Stands in for a recording of rerun."""

    made: list = []  # noqa: RUF012

    def __init__(self, name, compress):
        self.shown, self.opened, self.is_closed = [], None, False
        self.made.append(self)

    def connect(self, ip, port):
        self.opened = ip, port

    def at(self, stamp_ns):
        pass

    def numbers(self, key, names, values):
        self.shown.append((key, tuple(names), tuple(values.round(1))))

    def close(self):
        self.is_closed = True


def test_joints_are_shown_in_the_datasets_units(graph, config_file, monkeypatch):
    from sensor_msgs.msg import JointState

    from lerobot_recorder import display_node

    monkeypatch.setattr(display_node, 'RerunLog', Log)
    path = config_file(CONFIG)
    monkeypatch.setattr(display_node, 'declare_config_file', lambda node: path)
    node = graph.add(display_node.DisplayNode())
    node.autostart()
    log = Log.made[-1]
    assert log.opened == ('192.0.2.7', 1234)
    publisher = graph.publisher(JointState, '/arm/joint_states')
    names = ['shoulder_pan', 'shoulder_lift', 'elbow_flex', 'wrist_flex', 'wrist_roll', 'gripper']

    def shown():
        message = JointState(name=names, position=[0.1] * 6)
        message.header.stamp = node.get_clock().now().to_msg()
        publisher.publish(message)
        graph.spin(0.1)
        return log.shown

    graph.until(shown)
    key, told, values = log.shown[0]
    assert key == 'observation.state' and told[0] == 'shoulder_pan.pos'
    assert values[0] == pytest.approx(5.7), 'degrees'
    node.wind_down()
    assert log.is_closed
