"""What a component says of itself as a message of ``/diagnostics`` (REP 107)."""

from __future__ import annotations

from diagnostic_msgs.msg import DiagnosticStatus, KeyValue
from rclpy.node import Node

from lerobot_drivers.common.health import Health


def diagnostic_status(
    node: Node, component: str, health: Health, hardware_id: str = ''
) -> DiagnosticStatus:
    """Return the health of a part of a node as a status.

    Args:
        node: whose part it is.
        component: the part, in the status' name.
        health: how it is.
        hardware_id: the device, say its port.
    """
    return DiagnosticStatus(
        level=bytes([health.level]),
        name=f'{node.get_fully_qualified_name().lstrip("/")}: {component}',
        message=health.message,
        hardware_id=hardware_id,
        values=[KeyValue(key=key, value=_text(v)) for key, v in health.values.items()],
    )


def _text(value: object) -> str:
    return f'{value:.6g}' if isinstance(value, float) else str(value)
