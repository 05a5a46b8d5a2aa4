"""What the simulated Reachy 2 says on the wire: messages of reachy2-sdk-api."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

import reachy2_sdk_api
from google.protobuf.descriptor import Descriptor, FieldDescriptor, ServiceDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from reachy2_sdk_api import reachy_pb2
from reachy2_sdk_api.hand_pb2 import PARALLEL_GRIPPER
from reachy2_sdk_api.mobile_base_utility_pb2 import ZuuuModePossiblities
from reachy2_sdk_api.orbita2d_pb2 import Axis

from lerobot_drivers.common.clock import NS_PER_S
from lerobot_drivers.sim.reachy2_body import Actuator, ReachyBody

PART_IDS = {
    'r_arm': 1,
    'l_arm': 2,
    'head': 3,
    'r_hand': 4,
    'l_hand': 5,
    'mobile_base': 6,
}
_COMPONENT_STRIDE = 10
_DEPTH = 6
_BATTERY_V = 27.2
_SOFTWARE = 'simulated'


def services() -> list[ServiceDescriptor]:
    """Return every service of the API."""
    names = [module.name for module in pkgutil.iter_modules(reachy2_sdk_api.__path__)]
    modules = [
        importlib.import_module(f'reachy2_sdk_api.{name}')
        for name in names
        if name.endswith('_pb2')
    ]
    return [
        service for module in modules for service in module.DESCRIPTOR.services_by_name.values()
    ]


def complete(kind: Descriptor) -> Message:
    """Return a message of a type in which every part is there; the SDK takes none for missing."""
    message = GetMessageClass(kind)()
    _fill(message, _DEPTH)
    return message


def _fill(message: Message, depth: int) -> None:
    for name, field in message.DESCRIPTOR.fields_by_name.items():
        if field.type != FieldDescriptor.TYPE_MESSAGE or not depth:
            continue
        if field.is_repeated:
            if name == 'errors':
                getattr(message, name).add(details='Ok')
            continue
        _fill(getattr(message, name), depth - 1)
        getattr(message, name).SetInParent()


def description(without: tuple[str, ...] = ()) -> Any:
    """Return what there is of the robot.

    Args:
        without: parts that it has not.
    """
    robot = complete(reachy_pb2.Reachy.DESCRIPTOR)
    robot.id.id, robot.id.name = 1, 'reachy'
    robot.ClearField('tripod')
    robot.info.api_version, robot.info.version_soft = reachy2_sdk_api.__version__, _SOFTWARE
    robot.info.core_mode = reachy_pb2.ReachyCoreMode.FAKE
    for part, number in PART_IDS.items():
        getattr(robot, part).part_id.id, getattr(robot, part).part_id.name = number, part
    for side in 'rl':
        arm, hand = getattr(robot, f'{side}_arm'), getattr(robot, f'{side}_hand')
        hand.type = PARALLEL_GRIPPER
        arm.description.shoulder.axis_1, arm.description.shoulder.axis_2 = Axis.PITCH, Axis.ROLL
        arm.description.elbow.axis_1, arm.description.elbow.axis_2 = Axis.YAW, Axis.PITCH
        for index, name in enumerate(('shoulder', 'elbow', 'wrist')):
            _name(getattr(arm.description, name).id, arm.part_id.id, index, f'{side}_{name}')
    head = robot.head.description
    for index, (name, called) in enumerate(
        (('neck', 'neck'), ('l_antenna', 'antenna_left'), ('r_antenna', 'antenna_right'))
    ):
        _name(getattr(head, name).id, robot.head.part_id.id, index, called)
    for part in without:
        robot.ClearField(part)
    return robot


def _name(component: Any, part: int, index: int, name: str) -> None:
    component.id, component.name = part * _COMPONENT_STRIDE + index, name


def component_name(number: int) -> tuple[str, str]:
    """Return part and name of the actuator that has a number."""
    part, index = divmod(number, _COMPONENT_STRIDE)
    names = {
        'r_arm': ('shoulder', 'elbow', 'wrist'),
        'l_arm': ('shoulder', 'elbow', 'wrist'),
        'head': ('neck', 'antenna_left', 'antenna_right'),
    }
    by_id = {value: key for key, value in PART_IDS.items()}
    return by_id[part], names[by_id[part]][index]


class StateWriter:
    """Writes the body's state into one message, again and again."""

    def __init__(self, body: ReachyBody) -> None:
        self._body = body
        self._state: Any = complete(reachy_pb2.ReachyState.DESCRIPTOR)
        self._state.id.id, self._state.id.name = 1, 'reachy'
        self._state.ClearField('tripod_state')
        for part in ('r_arm', 'l_arm', 'head', 'mobile_base'):
            getattr(self._state, f'{part}_state').activated = True
        self._state.mobile_base_state.battery_level.level.value = _BATTERY_V

    def write(self) -> Any:
        """Return the state as it is now, whole."""
        body, state = self._body, self._state
        with body.lock:
            now_ns = body.advance()
            stamp = state.timestamp
            stamp.seconds, stamp.nanos = divmod(now_ns, NS_PER_S)
            for side in 'rl':
                arm = getattr(state, f'{side}_arm_state')
                for name in ('shoulder', 'elbow'):
                    _write_2d(getattr(arm, f'{name}_state'), body.actuators[side][name])
                _write_3d(arm.wrist_state, body.actuators[side]['wrist'])
                _write_hand(getattr(state, f'{side}_hand_state'), body.actuators[side]['hand'])
            head = body.actuators['head']
            _write_3d(state.head_state.neck_state, head['neck'])
            _write_motor(state.head_state.l_antenna_state, head['antenna_left'])
            _write_motor(state.head_state.r_antenna_state, head['antenna_right'])
            mode = ZuuuModePossiblities.Value(body.base.mode)
            state.mobile_base_state.zuuu_mode.mode = mode
            copy = reachy_pb2.ReachyState()
            copy.CopyFrom(state)
        return copy


def _write_2d(message: Any, actuator: Actuator) -> None:
    _write_limits(message, actuator, 2)
    for index, (axis, letter) in enumerate((('axis_1', 'x'), ('axis_2', 'y'))):
        getattr(message.present_position, axis).value = actuator.position[index]
        getattr(message.goal_position, axis).value = actuator.goal[index]
        getattr(message.present_speed, letter).value = actuator.velocity[index]


def _write_3d(message: Any, actuator: Actuator) -> None:
    _write_limits(message, actuator, 3)
    for index, (axis, letter) in enumerate((('roll', 'x'), ('pitch', 'y'), ('yaw', 'z'))):
        getattr(message.present_position.rpy, axis).value = actuator.position[index]
        getattr(message.goal_position.rpy, axis).value = actuator.goal[index]
        getattr(message.present_speed, letter).value = actuator.velocity[index]


def _write_limits(message: Any, actuator: Actuator, motors: int) -> None:
    message.compliant.value = not actuator.torque
    for number in range(1, motors + 1):
        getattr(message.speed_limit, f'motor_{number}').value = actuator.speed_limit
        getattr(message.torque_limit, f'motor_{number}').value = actuator.torque_limit


def _write_motor(message: Any, actuator: Actuator) -> None:
    message.compliant.value = not actuator.torque
    message.present_position.value = actuator.position[0]
    message.goal_position.value = actuator.goal[0]
    message.present_speed.value = actuator.velocity[0]
    message.speed_limit.value = actuator.speed_limit


def _write_hand(message: Any, actuator: Actuator) -> None:
    message.compliant.value = not actuator.torque
    message.present_position.parallel_gripper.position.value = actuator.position[0]
    message.goal_position.parallel_gripper.position.value = actuator.goal[0]
