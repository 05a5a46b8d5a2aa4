"""Goals that hold a Reachy 2 where it is."""

from __future__ import annotations

from typing import Any

from reachy2_sdk_api.arm_pb2 import ArmComponentsCommands
from reachy2_sdk_api.dynamixel_motor_pb2 import DynamixelMotorCommand, DynamixelMotorsCommand
from reachy2_sdk_api.hand_pb2 import HandPositionRequest
from reachy2_sdk_api.head_pb2 import HeadComponentsCommands
from reachy2_sdk_api.orbita2d_pb2 import Orbita2dCommand, Orbita2dsCommand
from reachy2_sdk_api.orbita3d_pb2 import Orbita3dCommand, Orbita3dsCommand
from reachy2_sdk_api.reachy_pb2 import ReachyComponentsCommands

_ARM = {
    'shoulder': (Orbita2dCommand, Orbita2dsCommand),
    'elbow': (Orbita2dCommand, Orbita2dsCommand),
    'wrist': (Orbita3dCommand, Orbita3dsCommand),
}
_HEAD = {
    'neck': (Orbita3dCommand, Orbita3dsCommand),
    'l_antenna': (DynamixelMotorCommand, DynamixelMotorsCommand),
    'r_antenna': (DynamixelMotorCommand, DynamixelMotorsCommand),
}


def present_as_goals(description: Any, state: Any, with_stiff: bool) -> Any:
    """Return commands whose goals are where everything is now.

    Args:
        description: what there is of the robot (the API's message ``Reachy``).
        state: its latest state.
        with_stiff: stop what is stiff already, too; else it is left to whoever made it so.
    """
    commands: dict[str, Any] = {}
    for part, actuators, kind in (
        ('l_arm', _ARM, ArmComponentsCommands),
        ('r_arm', _ARM, ArmComponentsCommands),
        ('head', _HEAD, HeadComponentsCommands),
    ):
        if description.HasField(part):
            there, here = getattr(description, part).description, getattr(state, f'{part}_state')
            goals = _of_part(actuators, there, here, with_stiff)
            commands[f'{part}_commands'] = kind(**goals)
    for hand in ('l_hand', 'r_hand'):
        here = getattr(state, f'{hand}_state')
        if description.HasField(hand) and (with_stiff or here.compliant.value):
            name = getattr(description, hand).part_id
            commands[f'{hand}_commands'] = HandPositionRequest(
                id=name, position=here.present_position
            )
    return ReachyComponentsCommands(**commands)


def _of_part(
    actuators: dict[str, tuple[Any, Any]], there: Any, here: Any, with_stiff: bool
) -> dict[str, Any]:
    found = {}
    for name, (command, commands) in actuators.items():
        state = getattr(here, f'{name}_state')
        if there.HasField(name) and (with_stiff or state.compliant.value):
            goal = command(id=getattr(there, name).id, goal_position=state.present_position)
            found[f'{name}_command'] = commands(cmd=[goal])
    return found
