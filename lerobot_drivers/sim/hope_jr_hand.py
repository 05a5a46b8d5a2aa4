"""The HOPE Jr hands as they are simulated: sixteen SCS0009, what they turn for it nominal.

A joint is at zero with its finger stretched; its servo pulls a tendon, and turns farther.
"""

from __future__ import annotations

import random
import zlib

from lerobot_drivers.sim.models import FactoryCalibration, ShaftServo, SimJoint, SimModel
from lerobot_drivers.sim.scs_servo import TICKS, ScsServo, ScsSpec
from lerobot_drivers.sim.urdf_figure import robot_figure
from lerobot_drivers.sim.wire import FeetechWire

_THUMB = ('cmc', 'mcp', 'pip', 'dip')
_FINGER = ('radial_flexor', 'ulnar_flexor', 'pip_dip')
_FINGERS = ('index', 'middle', 'ring', 'pinky')
_NAMES = (
    *(f'thumb_{part}' for part in _THUMB),
    *(f'{finger}_{part}' for finger in _FINGERS for part in _FINGER),
)
_BENT = {
    'cmc': 1.2, 'mcp': 1.1781, 'pip': 1.1781, 'dip': 1.1781, 'radial_flexor': 0.7854,
    'ulnar_flexor': 0.7854, 'pip_dip': 1.5708,
}  # fmt: skip
"""How far a joint goes, as in the hand's URDF [rad]."""
_TURNED = {
    'right': (
        'thumb_mcp', 'thumb_dip', 'index_ulnar_flexor', 'middle_ulnar_flexor',
        'ring_ulnar_flexor', 'ring_pip_dip', 'pinky_ulnar_flexor', 'pinky_pip_dip',
    ),
    'left': (
        'thumb_cmc', 'thumb_mcp', 'thumb_dip', 'index_radial_flexor', 'index_pip_dip',
        'middle_radial_flexor', 'middle_pip_dip', 'ring_radial_flexor', 'ring_pip_dip',
        'pinky_radial_flexor',
    ),
}  # fmt: skip
"""Servos that are mounted turned."""
_SPAN = (440, 600)
"""What a servo turns from end to end, 130 to 175 degrees [tick]."""
_REST_SHARE = 0.1
_STOP_MARGIN = 0.02
_VOLTS = 6.0


def _calibrate(device: str, model: SimModel) -> dict[str, FactoryCalibration]:
    """Return ranges about the middle of travel, other ones per device name."""
    chance = random.Random(zlib.crc32(device.encode()))
    calibration = {}
    for joint in model.joints:
        low = (TICKS - chance.randint(*_SPAN)) // 2
        shift = chance.randint(-60, 60)
        calibration[joint.name] = FactoryCalibration(
            joint.id, joint.drive_mode, 0, low + shift, TICKS - low + shift
        )
    return calibration


def _servo(
    model: SimModel, joint: SimJoint, fields: FactoryCalibration, angle: float
) -> ShaftServo:
    travel = fields.range_max - fields.range_min
    spec = ScsSpec(
        id=fields.id,
        range_min=fields.range_min,
        range_max=fields.range_max,
        zero=fields.range_max if joint.drive_mode else fields.range_min,
        ticks_per_rad=travel / (joint.upper - joint.lower) * (-1 if joint.drive_mode else 1),
        lower=joint.lower - _STOP_MARGIN,
        upper=joint.upper + _STOP_MARGIN,
        volts=model.volts,
    )
    return ScsServo(spec, angle)


def _hand(side: str) -> SimModel:
    joints = tuple(
        SimJoint(
            name,
            number,
            'scs0009',
            0.0,
            _BENT[name.partition('_')[2]],
            drive_mode=int(name in _TURNED[side]),
        )
        for number, name in enumerate(_NAMES, start=1)
    )
    return SimModel(
        f'hope_jr_hand_{side}',
        joints,
        tuple(_REST_SHARE * joint.upper for joint in joints),
        robot_figure(f'hope_jr_hand_{side}'),
        wire=FeetechWire,
        build_servo=_servo,
        calibrate=_calibrate,
        volts=_VOLTS,
    )


RIGHT_HAND, LEFT_HAND = _hand('right'), _hand('left')
