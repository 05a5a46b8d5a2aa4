"""What is in a world: arms with their serial lines, and cameras."""

from __future__ import annotations

import os
import threading
from typing import Any

from lerobot_drivers.common.clock import Clock
from lerobot_drivers.common.errors import ConfigError, DeviceError
from lerobot_drivers.sim.address import check_name
from lerobot_drivers.sim.arm import SimArm
from lerobot_drivers.sim.camera_model import View
from lerobot_drivers.sim.exposure import CameraHabits
from lerobot_drivers.sim.figure import Body, Pose, standing_at
from lerobot_drivers.sim.painter import FigurePainter, Painter
from lerobot_drivers.sim.pty_line import PtyLine

_ARM_SPACING = 0.38


class WorldState:
    """The truth of one world. All methods may be called from any thread."""

    def __init__(self, name: str, clock: Clock) -> None:
        self.name = name
        self.clock = clock
        self.start_ns = clock.now_ns()
        self._arms: dict[str, SimArm] = {}
        self._lines: dict[str, PtyLine] = {}
        self._cameras: dict[str, CameraHabits] = {}
        self._lock = threading.RLock()

    def attach_arm(self, device: str, model: str) -> tuple[str, dict[str, dict[str, int]]]:
        """Return an arm's serial port and factory calibration; made if it is new.

        Raises:
            ConfigError: the model is unknown, or the arm is of another one.
            DeviceError: it is unplugged.
        """
        with self._lock:
            arm = self._arms.get(check_name(device, 'device'))
            if arm is None:
                if device in self._cameras:
                    raise ConfigError(f'{device} is a camera in the simulated world {self.name}')
                arm = self._arms[device] = self._make_arm(device, model)
                self._plug(arm)
            elif arm.model.name != model:
                raise ConfigError(
                    f'arm {device} of the simulated world {self.name} is a {arm.model.name}, '
                    f'not a {model}'
                )
            if device not in self._lines:
                raise DeviceError(f'arm {device} of the simulated world {self.name} is unplugged')
            return self._lines[device].path, arm.calibration

    def camera(self, device: str) -> CameraHabits:
        """Return what a camera is like; it is made if it is new.

        Raises:
            ConfigError: the device is an arm.
        """
        with self._lock:
            if check_name(device, 'device') in self._arms:
                raise ConfigError(f'{device} is an arm in the simulated world {self.name}')
            return self._cameras.setdefault(device, CameraHabits.of(device))

    def arm(self, device: str) -> SimArm:
        """Return an arm.

        Raises:
            ConfigError: there is none of that name.
        """
        with self._lock:
            if device not in self._arms:
                there = ', '.join(sorted(self._arms)) or 'none'
                raise ConfigError(
                    f'the simulated world {self.name} has no arm {device!r}; attached: {there}'
                )
            return self._arms[device]

    def inject(self, device: str, fault: str, arguments: dict[str, Any]) -> None:
        """Make a device misbehave.

        Raises:
            ConfigError: the device, the fault or its arguments are unknown.
        """
        with self._lock:
            if device in self._cameras:
                self._cameras[device].inject(device, fault, arguments)
                return
            arm = self.arm(device)
            if fault in ('unplug', 'replug'):
                self._unplug(device)
                if fault == 'replug':
                    self._plug(arm)
                return
        arm.inject(fault, self.clock.now_ns(), arguments)

    def painter(self, camera: str, view: View) -> Painter:
        """Return what draws this world for a camera.

        Raises:
            DeviceError: it cannot be drawn here.
        """
        return FigurePainter(view, lambda stamp_ns: self.bodies(stamp_ns, camera))

    def ask_operator(self, device: str, word: str) -> dict[str, Any]:
        """Say a word to whoever moves a leader, and return the answer.

        Raises:
            ConfigError: nobody there listens.
        """
        raise ConfigError(
            f'nobody listens at {device}: the operators of the simulated world {self.name} '
            'move for ever; those of a world with physics do as they are asked'
        )

    def task(self) -> dict[str, Any]:
        """Return what is to be done here and what was done, as plain values.

        Raises:
            ConfigError: there is nothing to do.
        """
        raise ConfigError(f'the simulated world {self.name} has no task; one with physics has')

    def bodies(self, stamp_ns: int, camera: str) -> list[Body]:
        """Return what a camera sees at a moment; the first is whom it rides on, if it rides.

        Followers stand in the world; a leader is seen only where there is no follower.
        """
        with self._lock:
            arms = list(self._arms.values())
        seen = [arm for arm in arms if not arm.is_leader] or arms[:1]
        words = set(camera.split('_'))
        places = {arm.device: _place(arm, index) for index, arm in enumerate(seen)}
        seen.sort(key=lambda arm: words.isdisjoint(arm.device.split('_')))
        return [
            Body(
                arm.model.figure,
                arm.figure_values(stamp_ns),
                places[arm.device] @ standing_at(*arm.place(stamp_ns)),
            )
            for arm in seen
        ]

    def info(self) -> dict[str, Any]:
        """Return process id, start and devices as plain values."""
        with self._lock:
            return {
                'pid': os.getpid(),
                'start_ns': self.start_ns,
                'arms': {device: arm.model.name for device, arm in self._arms.items()},
                'cameras': sorted(self._cameras),
            }

    def close(self) -> None:
        """Unplug everything."""
        with self._lock:
            for device in list(self._lines):
                self._unplug(device)

    def _make_arm(self, device: str, model: str) -> SimArm:
        return SimArm(device, model, self.start_ns)

    def _plug(self, arm: SimArm) -> None:
        self._lines[arm.device] = PtyLine(arm.transact, self.clock, arm.codec)

    def _unplug(self, device: str) -> None:
        line = self._lines.pop(device, None)
        if line is not None:
            line.close()


def _place(arm: SimArm, index: int) -> Pose:
    """Return where the nth arm's base stands: in the middle, then right, left, ... [m]."""
    for word in arm.device.split('_'):
        if word in arm.model.places:
            return standing_at(*arm.model.places[word])
    side = -1 if index % 2 else 1
    return standing_at(0.0, side * ((index + 1) // 2) * _ARM_SPACING)
