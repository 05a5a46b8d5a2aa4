"""The whole scene for MuJoCo: arm, table with its mat, a cube, and the tray it belongs on."""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import cv2

from lerobot_drivers.sim.scenery import TABLE_CENTRE, TABLE_HALF, table_texture
from lerobot_drivers.sim.twin.arm_xml import arm_xml, numbers, rgba
from lerobot_drivers.sim.twin.engine import load_mujoco

STALL_NM = 2.94
"""Stall torque of an STS3215 at 12 V: 30 kg cm (Feetech's data sheet) [N m]."""
STEP_S = 0.002
"""Between two steps of the physics [s]."""
CUBE_HALF = 0.0125
"""Half the cube's edge [m]."""
CUBE_KG = 0.02
"""Mass of the cube [kg]."""
TRAY_CENTRE = (0.245, 0.15)
"""Where the tray lies in the arm's base frame [m]."""
TRAY_HALF = 0.045
"""Inner half-width of the tray [m]."""

_TEXTURE = 'table.png'
_CUBE_COLOUR = (212, 132, 84)
_TRAY_COLOUR = (66, 88, 112)
_RIM, _RIM_HEIGHT, _FLOOR = 0.002, 0.004, 0.0005
# Of joints driven by an STS3215: joints_properties.xml of TheRobotStudio/SO-ARM100.
_SERVO = 'damping="0.6" frictionloss="0.052" armature="0.028"'


def make_model() -> Any:
    """Return the compiled scene, an ``mjModel``.

    Raises:
        DeviceError: MuJoCo is not installed.
    """
    mujoco = load_mujoco()
    return mujoco.MjModel.from_xml_string(scene_xml(), {_TEXTURE: _table_png()})


def scene_xml() -> str:
    """Return the scene as MJCF; its picture of the table is an asset."""
    arm, motors = arm_xml(STALL_NM)
    return f"""<mujoco model="so101_twin">
<compiler angle="radian" eulerseq="XYZ" autolimits="true"/>
<option timestep="{STEP_S}" integrator="implicitfast" cone="elliptic" impratio="10"/>
<size memory="2M"/>
<visual>
<headlight ambient="0.42 0.42 0.42" diffuse="0.3 0.3 0.3" specular="0.05 0.05 0.05"/>
<map znear="0.01" zfar="6"/><quality shadowsize="0" offsamples="0" numslices="20" numstacks="10"/>
</visual>
<default>
<default class="servo"><joint {_SERVO}/></default>
<default class="rod"><geom type="capsule" contype="2" conaffinity="1"/></default>
<default class="finger"><geom type="capsule" contype="0" conaffinity="4"/></default>
<default class="pad"><geom mass="0" contype="2" conaffinity="1"/></default>
<default class="drawn"><geom mass="0" contype="0" conaffinity="0"/></default>
</default>
<asset>
<texture name="wall" type="skybox" builtin="gradient" rgb1=".89 .9 .91" rgb2=".6 .61 .62"
 width="64" height="384"/>
<texture name="table" type="2d" file="{_TEXTURE}"/>
<material name="table" texture="table" texrepeat="1 1" specular="0" shininess="0"/>
</asset>
<worldbody>
<light directional="true" castshadow="false" dir="-0.25 0.35 -1" pos="0 0 2"
 diffuse=".45 .45 .45"/>
{_table()}{_tray()}{_cube()}{arm}
</worldbody>
<actuator>{motors}</actuator>
</mujoco>"""


@cache
def _table_png() -> bytes:
    return cv2.imencode('.png', table_texture()[..., ::-1])[1].tobytes()


def _table() -> str:
    return (
        f'<geom name="table" type="plane" material="table" contype="5" conaffinity="0" '
        f'pos="{numbers((*TABLE_CENTRE, 0))}" size="{numbers((TABLE_HALF[1], TABLE_HALF[0], 1))}" '
        f'euler="0 0 {-math.pi / 2:.6f}"/>'
    )


def _cube() -> str:
    return (
        f'<body name="cube" pos="0.22 -0.12 {CUBE_HALF}"><freejoint name="cube"/>'
        f'<geom name="cube" type="box" size="{numbers([CUBE_HALF] * 3)}" mass="{CUBE_KG}" '
        f'rgba="{rgba(_CUBE_COLOUR)}" contype="1" conaffinity="3" friction="1 0.02 0.0005" '
        'condim="4" solref="0.008 1" solimp="0.95 0.99 0.001"/></body>'
    )


def _tray() -> str:
    """Return a plate as thin as card, with a low rim that can be seen and felt."""
    x, y = TRAY_CENTRE
    outer = TRAY_HALF + 2 * _RIM
    middle = TRAY_HALF + _RIM
    colour = rgba(_TRAY_COLOUR)
    parts = [((x, y, _FLOOR), (outer, outer, _FLOOR))]
    for sign in (-1, 1):
        half = _RIM_HEIGHT / 2
        parts.append(((x + sign * middle, y, half), (_RIM, outer, half)))
        parts.append(((x, y + sign * middle, half), (outer, _RIM, half)))
    return ''.join(
        f'<geom type="box" contype="1" conaffinity="0" pos="{numbers(place)}" '
        f'size="{numbers(size)}" rgba="{colour}"/>'
        for place, size in parts
    )
