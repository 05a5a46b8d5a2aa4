"""What nodes share of rclpy: running them, lifecycle with autostart, QoS profiles by purpose.

And declared parameters, stamps, joint messages and ``/diagnostics``.
"""

from __future__ import annotations

import signal
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import Any, TypeVar

from lerobot_drivers.common.clock import NS_PER_S
from lerobot_drivers.common.errors import ConfigError, GraphError, LerobotRosError
from lerobot_drivers.common.health import Health
from lerobot_drivers.common.naming import DIAGNOSTICS
from lerobot_drivers.common.processes import (
    missing_rclpy_message,
    set_profile,
    stop_signals,
    tune_process,
)

try:
    import rclpy
    from builtin_interfaces.msg import Time
    from diagnostic_msgs.msg import DiagnosticArray
    from rcl_interfaces.msg import FloatingPointRange, ParameterDescriptor
    from rclpy.exceptions import NameValidationException, ParameterException
    from rclpy.executors import ExternalShutdownException
    from rclpy.impl.implementation_singleton import rclpy_implementation
    from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
    from rclpy.node import Node
    from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
    from rclpy.signals import SignalHandlerOptions
    from sensor_msgs.msg import JointState
except ImportError as error:
    # Whoever imports this module is a node's process and cannot go on: one line, no traceback.
    raise SystemExit(missing_rclpy_message(error)) from error

from lerobot_drivers.ros_diagnostics import diagnostic_status
from lerobot_drivers.ros_executor import SteadyExecutor

T = TypeVar('T', bool, int, float, str)

_SPIN_S = 0.1
_USER_MISTAKES = (
    LerobotRosError,
    ParameterException,
    NameValidationException,
    rclpy_implementation.UnknownROSArgsError,
)


def run_node(
    factory: Callable[[], Node],
    args: Sequence[str] | None = None,
    profile: Path | None = None,
    is_control: bool = False,
) -> int:
    """Run a node until SIGINT, SIGTERM, SIGHUP or its own wish, and clean up after it.

    rclpy's signal handlers stay off: they can hang on SIGTERM, and a second SIGINT
    (launch sends one) breaks into the clean-up. Ours only set an event. A node that is
    an :class:`AutostartLifecycleNode` is configured and activated first.

    Args:
        factory: makes the node, after rclpy is up.
        args: command line with ``--ros-args``, by default ``sys.argv``.
        profile: for Fast DDS, if it publishes or hears pictures.
        is_control: it moves a robot: on a busy machine it comes before what records it.

    Returns:
        The exit code: 0, 1 after an error (one line on stderr), or the node's wish.
    """
    tune_process(is_control)
    if profile is not None:
        set_profile(profile)
    stop = threading.Event()

    def handle(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    before = {number: signal.signal(number, handle) for number in stop_signals()}
    try:
        _init(args)
        return _spin(factory, stop)
    except _USER_MISTAKES as error:
        sys.stderr.write(f'error: {_one_line(error)}\n')
        return 1
    finally:
        rclpy.try_shutdown()
        for number, handler in before.items():
            signal.signal(number, handler)


def _init(args: Sequence[str] | None) -> None:
    try:
        rclpy.init(args=args, signal_handler_options=SignalHandlerOptions.NO)
    except rclpy_implementation.RCLError as error:
        reason = str(error).partition(', at /')[0]
        raise GraphError(f'ROS cannot be started with these arguments: {reason}') from error


def _spin(factory: Callable[[], Node], stop: threading.Event) -> int:
    node = factory()
    executor = SteadyExecutor()
    executor.add_node(node)
    managed = node if isinstance(node, AutostartLifecycleNode) else None
    try:
        if managed is not None:
            managed.autostart()
        while not stop.is_set() and (managed is None or managed.exit_code is None):
            executor.spin_once(timeout_sec=_SPIN_S)
    except ExternalShutdownException:
        pass
    finally:
        executor.shutdown(timeout_sec=0)
        if managed is not None:
            managed.wind_down()
        node.destroy_node()
    return (managed.exit_code or 0) if managed is not None else 0


def _one_line(error: BaseException) -> str:
    return ' '.join(str(error).split())


class AutostartLifecycleNode(LifecycleNode):
    """A lifecycle node that brings itself up unless told not to.

    Subclasses say what each transition does, in ``do_...`` methods that may raise. A
    failed transition is logged (a :class:`LerobotRosError` in one line) and leaves the
    node where it was; at autostart it ends the process. Mind the attributes that rclpy's
    nodes have already, such as ``_clock``.

    Attributes:
        active: whether the node streams.
        exit_code: set by :meth:`request_exit`; ends :func:`run_node`.
    """

    def __init__(self, name: str, **kwargs: Any) -> None:
        super().__init__(name, **kwargs)
        self.active = False
        self.exit_code: int | None = None
        self._configured = False
        self._failure: Exception | None = None
        self._wants_autostart = declare(
            self, 'autostart', True, 'configure and activate at start, without a manager'
        )

    def do_configure(self) -> None:
        """Connect and create publishers and subscriptions."""

    def do_activate(self) -> None:
        """Start to stream."""

    def do_deactivate(self) -> None:
        """Stop to stream, safely."""

    def do_cleanup(self) -> None:
        """Disconnect and give back what ``do_configure`` took."""

    def autostart(self) -> None:
        """Configure and activate, if the parameter ``autostart`` says so.

        Raises:
            LerobotRosError: a transition failed.
        """
        if not self._wants_autostart:
            return
        for trigger in (self.trigger_configure, self.trigger_activate):
            if trigger() != TransitionCallbackReturn.SUCCESS:
                raise self._failure or GraphError(f'{self.get_name()} could not be brought up')

    def wind_down(self) -> None:
        """Deactivate and clean up from whatever state; never raises: a failure is exit code 1."""
        due = ((self.active, self.do_deactivate), (self._configured, self.do_cleanup))
        for is_due, action in due:
            if is_due and not self._guarded(action):
                self.exit_code = self.exit_code or 1
        self.active = self._configured = False

    def request_exit(self, code: int = 0) -> None:
        """Ask :func:`run_node` to end the process."""
        self.exit_code = code

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Configure (rclpy's hook)."""
        if not self._guarded(self.do_configure):
            self._guarded(self.do_cleanup, keep_failure=True)
            return TransitionCallbackReturn.FAILURE
        self._configured = True
        return super().on_configure(state)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Activate (rclpy's hook)."""
        if not self._guarded(self.do_activate):
            return TransitionCallbackReturn.FAILURE
        self.active = True
        return super().on_activate(state)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Deactivate (rclpy's hook)."""
        self.active = False
        if not self._guarded(self.do_deactivate):
            return TransitionCallbackReturn.FAILURE
        return super().on_deactivate(state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Clean up (rclpy's hook)."""
        self._configured = False
        if not self._guarded(self.do_cleanup):
            return TransitionCallbackReturn.FAILURE
        return super().on_cleanup(state)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Shut down from any state (rclpy's hook); the process ends as well."""
        self.wind_down()
        self.request_exit()
        return super().on_shutdown(state)

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Go back to unconfigured after a fault in a transition (rclpy's hook)."""
        self.wind_down()
        return TransitionCallbackReturn.SUCCESS

    def _guarded(self, action: Callable[[], None], keep_failure: bool = False) -> bool:
        try:
            action()
        except Exception as error:  # noqa: BLE001 - rclpy would swallow it, cause and all
            self._failure = self._failure if keep_failure else error
            known = isinstance(error, LerobotRosError)
            self.get_logger().error(_one_line(error) if known else traceback.format_exc())
            return False
        return True


def declare(
    node: Node,
    name: str,
    default: T,
    description: str,
    *,
    bounds: tuple[float, float] | None = None,
) -> T:
    """Declare a parameter that is set at start only, and return its value.

    Args:
        node: whose parameter it is.
        name: its name.
        default: value if none is given, and the type.
        description: one line for ``ros2 param describe``.
        bounds: lowest and highest allowed value (float parameters).
    """
    descriptor = ParameterDescriptor(description=description, read_only=True)
    if bounds is not None:
        descriptor.floating_point_range = [
            FloatingPointRange(from_value=bounds[0], to_value=bounds[1], step=0.0)
        ]
    return node.declare_parameter(name, default, descriptor).value


def declare_config_file(node: Node) -> Path:
    """Declare ``config_file``, the YAML file whose sections configure every node.

    Raises:
        ConfigError: none was given, or it is not there.
    """
    text = declare(node, 'config_file', '', 'YAML file with sections robot, teleop, mux, ...')
    if not text:
        raise ConfigError(
            f'{node.get_name()}: parameter config_file is empty; '
            'give it with --ros-args -p config_file:=PATH'
        )
    path = Path(text).expanduser()
    if not path.is_file():
        raise ConfigError(f'{node.get_name()}: config_file {path} is not a file')
    return path


def qos_states(depth: int = 10) -> QoSProfile:
    """Return the profile of measured streams: reliable, volatile."""
    return QoSProfile(depth=depth)


def qos_images(depth: int = 10) -> QoSProfile:
    """Return the profile of published pictures: reliable, volatile (REP 2003)."""
    return QoSProfile(depth=depth)


def qos_commands(depth: int = 10) -> QoSProfile:
    """Return the profile of commands: reliable; deep enough that partial ones do not displace."""
    return QoSProfile(depth=depth)


def qos_status() -> QoSProfile:
    """Return the profile of status topics: latched, a late subscriber sees the last at once."""
    return QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)


def match_publishers(node: Node, topic: str, depth: int = 60) -> QoSProfile:
    """Return the best profile that hears every publisher a topic has now.

    Reliable if there are publishers and each of them offers it, else best
    effort. Ask again when publishers come or go.

    Args:
        node: who will subscribe.
        topic: as it would be subscribed to (relative, remapped).
        depth: messages kept for a subscriber that stalls.
    """
    found = node.get_publishers_info_by_topic(node.resolve_topic_name(topic))
    reliable = bool(found) and all(
        info.qos_profile.reliability == ReliabilityPolicy.RELIABLE for info in found
    )
    best = ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT
    return QoSProfile(depth=depth, reliability=best)


def stamp_message(stamp_ns: int) -> Time:
    """Return a stamp [ns] as a message."""
    return Time(sec=stamp_ns // NS_PER_S, nanosec=stamp_ns % NS_PER_S)


def stamp_ns(stamp: Time) -> int:
    """Return a message's stamp [ns]."""
    return stamp.sec * NS_PER_S + stamp.nanosec


def now_ns(node: Node) -> int:
    """Return a node's time, simulated if it uses that [ns]."""
    return node.get_clock().now().nanoseconds


def joint_state(
    stamp: int, names: Sequence[str], position: Sequence[float], **rest: Sequence[float]
) -> JointState:
    """Return a JointState.

    Args:
        stamp: when the positions were measured or commanded [ns].
        names: of the joints, in the order of the rest.
        position: [rad or m].
        **rest: ``velocity`` [rad/s or m/s] and ``effort``, or left out.
    """
    message = JointState(name=list(names), position=list(position))
    message.header.stamp = stamp_message(stamp)
    for key, values in rest.items():
        setattr(message, key, list(values))
    return message


class DiagnosticsPublisher:
    """Publishes a node's health on ``/diagnostics`` (REP 107).

    Args:
        node: whose health it is.
        component: the part of the node, in the status' name.
        collect: asked once per period while the node is active.
        hardware_id: the device, say its port.
        period_s: time between two messages [s].
    """

    def __init__(
        self,
        node: Node,
        component: str,
        collect: Callable[[], Health],
        hardware_id: str = '',
        period_s: float = 1.0,
    ) -> None:
        self._node = node
        self._component = component
        self._collect = collect
        self._hardware_id = hardware_id
        self._publisher = node.create_publisher(DiagnosticArray, DIAGNOSTICS, 10)
        self._timer = node.create_timer(period_s, self.publish)

    def publish(self) -> None:
        """Collect and publish now; an inactive node says just that."""
        streams = getattr(self._node, 'active', True)
        health = self._collect() if streams else Health(message='inactive')
        status = diagnostic_status(self._node, self._component, health, self._hardware_id)
        array = DiagnosticArray(status=[status])
        array.header.stamp = self._node.get_clock().now().to_msg()
        self._publisher.publish(array)

    def destroy(self) -> None:
        """Stop and leave the topic."""
        self._node.destroy_timer(self._timer)
        self._node.destroy_publisher(self._publisher)
