"""What a follower arm is asked for by service, and what it tells of its mode."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from std_msgs.msg import String
from std_srvs.srv import SetBool, Trigger

from lerobot_drivers.arm_control import ArmControl
from lerobot_drivers.arm_modes import ArmState
from lerobot_drivers.common.errors import LerobotRosError, ModeError
from lerobot_drivers.common.naming import ARM_MODE
from lerobot_drivers.ros import AutostartLifecycleNode, qos_status


def answered(node: Any, response: Any, ask: Callable[[], str]) -> Any:
    """Return a service's response: what was done, or why it was not.

    Args:
        node: logs it.
        response: of Trigger or SetBool.
        ask: does it; returns what it did.
    """
    try:
        response.message, response.success = ask(), True
        node.get_logger().info(response.message)
    except LerobotRosError as error:
        response.message, response.success = str(error), False
        node.get_logger().warning(response.message)
    return response


class ArmServices:
    """Services of std_srvs around an arm, under relative names, and its mode as a latched topic.

    Args:
        node: whose they are.
    """

    def __init__(self, node: AutostartLifecycleNode) -> None:
        self._node = node
        self._services: list[Any] = []
        self._mode: Any = None

    def open(self, control: ArmControl) -> None:
        """Offer the services, and tell the mode."""
        self._mode = self._node.create_publisher(String, ARM_MODE, qos_status())
        self.tell(control.state)
        triggers = {
            'home': lambda: self._go_home(control),
            'stop': control.stop,
            'emergency_stop': control.emergency_stop,
            'resume': control.resume,
        }
        self._services = [self._trigger(name, ask) for name, ask in triggers.items()]
        self._services.append(
            self._node.create_service(
                SetBool,
                'set_torque',
                lambda request, response: answered(
                    self._node, response, lambda: control.set_torque(request.data)
                ),
            )
        )

    def close(self) -> None:
        """Offer nothing any longer."""
        for service in self._services:
            self._node.destroy_service(service)
        self._services = []
        self._node.destroy_publisher(self._mode)
        self._mode = None

    def tell(self, state: ArmState) -> None:
        """Publish what the arm does."""
        if self._mode is not None:
            self._mode.publish(String(data=state.mode.value))

    def _trigger(self, name: str, ask: Callable[[], str]) -> Any:
        return self._node.create_service(
            Trigger, name, lambda _, response: answered(self._node, response, ask)
        )

    def _go_home(self, control: ArmControl) -> str:
        if not self._node.active:
            raise ModeError('it does not move: the node is not active')
        return control.go_home()
