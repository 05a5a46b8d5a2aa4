"""Calibration of a node's arm by services, for where there is no terminal at its side."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rclpy.node import Node
from std_srvs.srv import Trigger

from lerobot_drivers.common.errors import LerobotRosError
from lerobot_drivers.ros_arm_services import answered
from lerobot_drivers.setup_tools.calibration_session import CalibrationSession, arms_of

WATCH_S = 0.02
"""Between two readings of the joints, as LeRobot has it [s]."""


class CalibrationServices:
    """``calibrate/start``, ``record_ranges``, ``ranges``, ``finish``, ``cancel``.

    They are there in every state of the node: an arm that was never calibrated cannot be
    configured, yet calibrated. Nothing is offered where the device has no motors of its own.

    Args:
        node: whose they are.
        device: a robot or teleoperator.
        before: takes the device out of service; raises where that cannot be now.
        after: takes it into service again.
        is_wanted: whether the calibration may go on; else it is cancelled.
    """

    def __init__(
        self,
        node: Node,
        device: object,
        before: Callable[[], None],
        after: Callable[[], None],
        is_wanted: Callable[[], bool] = lambda: True,
    ) -> None:
        self._node = node
        self._before = before
        self._after = after
        self._is_wanted = is_wanted
        self.session = CalibrationSession(arms_of(device))
        self._timer: Any = None
        asks = {
            'start': self._start,
            'record_ranges': self.session.record_ranges,
            'ranges': self.session.told_ranges,
            'finish': self._finish,
            'cancel': self._cancel,
        }
        for name, ask in asks.items() if arms_of(device) else ():
            self._offer(f'calibrate/{name}', ask)

    def close(self) -> None:
        """End a calibration that is under way, as the node ends."""
        if self.session.is_open:
            self._cancel()

    def _offer(self, name: str, ask: Callable[[], str]) -> None:
        def asked(_request: Any, response: Any) -> Any:
            was_open = self.session.is_open
            answered(self._node, response, ask)
            if was_open:
                self._leave_if_over()
            return response

        self._node.create_service(Trigger, name, asked)

    def _start(self) -> str:
        if not self.session.is_open:
            self._before()
        try:
            said = self.session.start()
        except LerobotRosError:
            if not self.session.is_open:
                self._after()
            raise
        self._timer = self._node.create_timer(WATCH_S, self._on_timer)
        return said

    def _finish(self) -> str:
        said = self.session.finish()
        return f'{said}. It is limp; a follower holds with set_torque'

    def _cancel(self) -> str:
        said = self.session.cancel()
        self._leave_if_over()
        return said

    def _on_timer(self) -> None:
        try:
            self.session.watch()
        except LerobotRosError as error:
            self._node.get_logger().error(str(error))
        if not self._is_wanted():
            self.session.cancel()
        self._leave_if_over()

    def _leave_if_over(self) -> None:
        if self._timer is not None and not self.session.is_open:
            self._node.destroy_timer(self._timer)
            self._timer = None
            self._after()
