"""A world with physics: one follower, one leader, cameras, and a cube for the tray."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

from lerobot_drivers.common.clock import Clock
from lerobot_drivers.common.errors import ConfigError
from lerobot_drivers.sim.arm import SimArm
from lerobot_drivers.sim.camera_model import View
from lerobot_drivers.sim.painter import Painter
from lerobot_drivers.sim.twin.arm import TwinArm
from lerobot_drivers.sim.twin.darkroom import Darkroom
from lerobot_drivers.sim.twin.expert import WORDS, Expert
from lerobot_drivers.sim.twin.painter import TwinPainter
from lerobot_drivers.sim.twin.physics import Physics
from lerobot_drivers.sim.twin.task import PickAndPlace
from lerobot_drivers.sim.world_state import WorldState

CUBE = 'cube'
FOLLOWERS = ('so101_follower', 'so100_follower')
LEADERS = ('so101_leader', 'so100_leader')


class TwinWorld(WorldState):
    """The truth of one world with physics. All methods may be called from any thread.

    Raises:
        DeviceError: MuJoCo is not installed.
    """

    def __init__(self, name: str, clock: Clock) -> None:
        super().__init__(name, clock)
        seed = zlib.crc32(name.encode())
        self._physics = Physics(self.start_ns)
        self._task = PickAndPlace(self._physics, seed)
        self._darkroom = Darkroom(self._physics)
        self._expert: Expert | None = None

    def painter(self, camera: str, view: View) -> Painter:
        """Return what draws this world for a camera.

        Raises:
            DeviceError: nothing here can draw without a display.
        """
        return TwinPainter(self._darkroom, view)

    def ask_operator(self, device: str, word: str) -> dict[str, Any]:
        """Say a word to whoever moves the leader, and return the answer.

        Raises:
            ConfigError: nobody there listens, or the word is unknown.
        """
        with self._lock:
            if self._expert is None or not self.arm(device).is_leader:
                raise ConfigError(f'{device} in the simulated world {self.name} is no leader')
        if word not in ('', *WORDS):
            raise ConfigError(f'an operator knows {", ".join(WORDS)}, not {word!r}')
        return self._expert.hear(word)

    def task(self) -> dict[str, Any]:
        """Return where the cube is and what was achieved, as plain values."""
        self._physics.advance(self.clock.now_ns())
        return self._task.truth()

    def inject(self, device: str, fault: str, arguments: dict[str, Any]) -> None:
        """Make a device misbehave, or move the cube.

        Raises:
            ConfigError: the device, the fault or its arguments are unknown.
        """
        if device != CUBE:
            super().inject(device, fault, arguments)
            return
        known: dict[str, Callable[..., None]] = {'reset': self._task.reset, 'put': self._task.put}
        if fault not in known:
            raise ConfigError(f'the cube knows {" and ".join(known)}, not {fault!r}')
        try:
            known[fault](**arguments)
        except TypeError as error:
            raise ConfigError(f'{fault!r} of the cube: {error}') from error

    def close(self) -> None:
        """Unplug everything."""
        super().close()
        self._darkroom.close()

    def _make_arm(self, device: str, model: str) -> SimArm:
        if model not in (*FOLLOWERS, *LEADERS):
            raise ConfigError(
                f'the simulated world {self.name} has physics, for '
                f'{", ".join((*FOLLOWERS, *LEADERS))} only, not for a {model}; '
                'a world whose name does not end in .mujoco has all robots'
            )
        is_leader = model in LEADERS
        for other in self._arms.values():
            if other.is_leader == is_leader:
                kind = 'leader' if is_leader else 'follower'
                raise ConfigError(
                    f'the simulated world {self.name} has physics for one {kind}, '
                    f'which is {other.device}; {device} cannot be added'
                )
        if not is_leader:
            return TwinArm(device, model, self.start_ns, self._physics)
        return SimArm(device, model, self.start_ns, self._make_expert)

    def _make_expert(self, seed: int) -> Expert:
        now_s = (self.clock.now_ns() - self.start_ns) * 1e-9
        self._expert = Expert(seed, self._physics, self._task, now_s)
        return self._expert
