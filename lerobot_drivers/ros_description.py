"""What a robot looks like, on its topic ``robot_description``, latched, for RViz and recorders."""

from __future__ import annotations

from collections.abc import Sequence

from rclpy.node import Node
from rclpy.publisher import Publisher
from std_msgs.msg import String

from lerobot_drivers.common.naming import ROBOT_DESCRIPTION
from lerobot_drivers.robots.config import RobotConfig
from lerobot_drivers.ros import qos_status
from lerobot_drivers.urdf.description import NONE, as_told, description_of, missing_joints


class RobotDescription:
    """The URDF of one robot in its node's namespace, told once to whoever comes.

    Joints of ours that ``joint_states`` does not tell of are fixed in it.

    Args:
        node: whose topic it is.
        config: of the robot.

    Raises:
        ConfigError: ``robot.urdf`` names a file that is no URDF.
    """

    def __init__(self, node: Node, config: RobotConfig) -> None:
        self._node = node
        self._config = config
        self._text = description_of(config.type, config.side, config.urdf)
        self._publisher: Publisher | None = None

    def open(self, joints: Sequence[str]) -> None:
        """Publish it, if there is one.

        Args:
            joints: names on ``joint_states``.
        """
        logger, urdf = self._node.get_logger(), self._config.urdf
        if self._text is None:
            why = (
                'is none' if urdf == NONE else f'is not told, a {self._config.type} has none here'
            )
            logger.info(f'{ROBOT_DESCRIPTION} is not published: robot.urdf {why}')
            return
        text = self._text if urdf else as_told(self._text, joints)
        missing = missing_joints(text, joints)
        if missing:
            logger.warning(f'robot.urdf {urdf} lacks joints: {", ".join(missing)}')
        self._publisher = self._node.create_publisher(String, ROBOT_DESCRIPTION, qos_status())
        self._publisher.publish(String(data=text))

    def close(self) -> None:
        """Leave the topic."""
        if self._publisher is not None:
            self._node.destroy_publisher(self._publisher)
            self._publisher = None
