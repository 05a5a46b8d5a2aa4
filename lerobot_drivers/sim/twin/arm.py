"""A follower of a world with physics: the same servos on the same bus, moved by MuJoCo."""

from __future__ import annotations

from lerobot_drivers.common.clock import NS_PER_S
from lerobot_drivers.sim.arm import Angles, SimArm
from lerobot_drivers.sim.servo import Servo
from lerobot_drivers.sim.twin.physics import STEP_NS, Physics

_SETTLE_NS = NS_PER_S // 2


class TwinArm(SimArm):
    """An arm whose servos turn the joints of the scene.

    Args:
        device: its name.
        model: its robot type.
        start_ns: when its world began.
        physics: the scene.
    """

    def __init__(self, device: str, model: str, start_ns: int, physics: Physics) -> None:
        self._physics = physics
        self._settled_ns = start_ns
        super().__init__(device, model, start_ns)
        self._lock = physics.lock
        servos = [servo for servo in self._servos if isinstance(servo, Servo)]
        shafts = physics.connect_shafts(
            [servo.spec.zero for servo in servos], [servo.motion.stops for servo in servos]
        )
        for servo, shaft in zip(servos, shafts, strict=True):
            servo.build_in(shaft)

    def state(self, stamp_ns: int) -> tuple[Angles, Angles]:
        """Return angles [rad] and velocities [rad/s] at a moment, by joint in order."""
        return self._physics.state(stamp_ns)

    def _advance(self, stamp_ns: int) -> None:
        self._physics.advance(stamp_ns)
        ahead_s = self._physics.ahead_ns(stamp_ns) / NS_PER_S
        for servo in self._servos:
            servo.ahead_s = ahead_s
        if stamp_ns - self._settled_ns >= _SETTLE_NS:
            self._settle((stamp_ns - self._settled_ns) // STEP_NS)
            self._settled_ns = stamp_ns

    def _remember(self, step: int) -> None:
        """Take over what was done to the shafts by hand."""
        self._physics.touch()
