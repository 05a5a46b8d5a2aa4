"""Two servos on one axis: a rigid joint between them, whatever each of them is told to do."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, cast

from lerobot_drivers.sim.models import ShaftServo, SimJoint

SAG = 60_000.0
"""How a level arm pulls at a servo that holds it alone [ticks/s^2]; 8 ticks at usual gains."""


class CarriedServo(ShaftServo, Protocol):
    """A servo that another one may move."""

    def carry(self, angle: float, speed: float, load: float) -> None:
        """Let another servo on the axis have its part in where the joint is."""
        ...


@dataclass(frozen=True)
class Coupling:
    """A servo and the one that shadows it.

    Attributes:
        master: whose id both obey.
        shadow: mounted face to face with it.
    """

    master: CarriedServo
    shadow: CarriedServo

    def join(self) -> None:
        """Bring both to one angle after each has moved by itself.

        Where both drive, that lies between what they want, and both push. Where one drives it
        carries the other, and the load of both. Where none does they are carried together.
        """
        pair = self.master, self.shadow
        driving = [servo for servo in pair if servo.motion.powered]
        followed = driving or pair
        angle = sum(servo.angle for servo in followed) / len(followed)
        speed = sum(servo.speed for servo in followed) / len(followed)
        alone = SAG * math.sin(angle) if len(driving) == 1 else 0.0
        for servo in pair:
            servo.carry(angle, speed, alone if servo in driving else 0.0)


def couplings(
    joints: Sequence[SimJoint], servos: Mapping[str, ShaftServo]
) -> tuple[Coupling, ...]:
    """Return who shares an axis with whom."""
    names = {joint.id: joint.name for joint in joints}
    pairs = [(names[j.shadows], j.name) for j in joints if j.shadows is not None]
    return tuple(
        Coupling(cast(CarriedServo, servos[master]), cast(CarriedServo, servos[shadow]))
        for master, shadow in pairs
    )


def axes(
    joints: Sequence[SimJoint], servos: Mapping[str, ShaftServo]
) -> dict[str, list[ShaftServo]]:
    """Return the servos on the axis of each, itself among them, by name."""
    heads = {joint.name: joint.shadows or joint.id for joint in joints}
    return {
        name: [servos[other] for other in heads if heads[other] == head]
        for name, head in heads.items()
    }
