"""A simulated arm: servos on a bus, their truth over time, and who moves them."""

from __future__ import annotations

import threading
import zlib
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lerobot_drivers.common.clock import NS_PER_S
from lerobot_drivers.common.errors import ConfigError
from lerobot_drivers.sim.bus import Reply, ServoBus
from lerobot_drivers.sim.coupling import axes, couplings
from lerobot_drivers.sim.factory import build_servos
from lerobot_drivers.sim.faults import BusFaults
from lerobot_drivers.sim.models import MakeOperator, sim_model
from lerobot_drivers.sim.wire import Request

Angles = NDArray[np.float64]

STEP_NS = 2_000_000
HISTORY_STEPS = 2048
_SETTLE_STEPS = 250


class SimArm:
    """One arm. Time passes in it only when somebody asks what it does.

    Servos are integrated on a fixed grid, so that the truth does not depend on when it
    is asked for; the last four seconds are remembered. All methods may be called from
    any thread.

    Args:
        device: its name.
        model: its robot type.
        start_ns: when its time begins.
        operator: makes the person who moves it, if that is not the model's.
    """

    def __init__(
        self, device: str, model: str, start_ns: int, operator: MakeOperator | None = None
    ) -> None:
        self.device = device
        self.model = sim_model(model)
        make_operator = operator or self.model.operator
        self._operator = make_operator and make_operator(zlib.crc32(device.encode()))
        pose = self._operator.state(0.0)[0].tolist() if self._operator else self.model.rest
        self._by_name = build_servos(device, self.model, tuple(pose))
        self._servos = list(self._by_name.values())
        self._couplings = couplings(self.model.joints, self._by_name)
        self._axes = axes(self.model.joints, self._by_name)
        self._start_ns = start_ns
        self._step = 0
        self._history = np.zeros((HISTORY_STEPS, 2, len(self._servos)))
        self._place = np.zeros(3)
        self._places = np.zeros((HISTORY_STEPS, 3))
        self._remember(0)
        self._lock = threading.RLock()
        self.codec = self.model.wire()
        self._bus = ServoBus(self._servos, self._advance, self.codec)

    @property
    def calibration(self) -> dict[str, dict[str, int]]:
        """LeRobot's calibration fields by servo, as set at the factory."""
        made = self.model.calibrate(self.device, self.model)
        return {name: asdict(fields) for name, fields in made.items()}

    @property
    def is_leader(self) -> bool:
        """Whether a person moves it."""
        return self._operator is not None

    def figure_values(self, stamp_ns: int) -> Angles:
        """Return the values of the joints of its figure at a moment [rad or m]."""
        position = dict(zip(self._by_name, self.state(stamp_ns)[0].tolist(), strict=True))
        joints = self.model.figure.joints
        return np.array([j.offset + j.scale * position.get(j.mover, 0.0) for j in joints])

    def transact(self, request: Request, received_ns: int, baud: int) -> Reply:
        """Obey a request on the arm's bus; see ``ServoBus.transact``."""
        with self._lock:
            return self._bus.transact(request, received_ns, baud)

    def state(self, stamp_ns: int) -> tuple[Angles, Angles]:
        """Return angles [rad] and velocities [rad/s] at a moment, by joint in order."""
        with self._lock:
            if self._operator is not None:
                return self._operator.state((stamp_ns - self._start_ns) / NS_PER_S)
            mixed = self._remembered(self._history, stamp_ns)
        return mixed[0], mixed[1]

    def place(self, stamp_ns: int) -> Angles:
        """Return where its wheels have carried it: x, y and heading, from its start [m, rad]."""
        with self._lock:
            return self._remembered(self._places, stamp_ns)

    def truth(self, stamp_ns: int) -> dict[str, Any]:
        """Return the state and the goals at a moment as plain values by joint."""
        position, velocity = self.state(stamp_ns)
        with self._lock:
            goals = {name: servo.goal_angle for name, servo in self._by_name.items()}
        return {
            'stamp_ns': stamp_ns,
            'position': dict(zip(self._by_name, position.tolist(), strict=True)),
            'velocity': dict(zip(self._by_name, velocity.tolist(), strict=True)),
            'goal': {name: goal for name, goal in goals.items() if goal is not None},
            'place': self.place(stamp_ns).tolist(),
        }

    def writes(self) -> list[dict[str, Any]]:
        """Return the register writes so far as plain values."""
        with self._lock:
            return [entry.as_dict() for entry in self._bus.writes]

    def inject(self, fault: str, now_ns: int, arguments: Mapping[str, Any]) -> None:
        """Make the arm misbehave; see ``client.SimClient.inject``.

        Raises:
            ConfigError: the fault or its arguments are unknown.
        """
        known: dict[str, Callable[..., None]] = {
            'clear': self._clear_faults,
            'power_cycle': self._power_cycle,
            'push': self._push,
            'silence': self._silence,
            'corrupt': self._corrupt,
            'delay': self._delay,
            'garbage': self._garbage,
            'only': self._only,
            'factory': self._factory,
            'heat': self._heat,
            'supply': self._supply,
            'alert': self._alert,
        }
        if fault not in known:
            raise ConfigError(
                f'arm {self.device} knows no fault {fault!r}; '
                f'known: {", ".join(sorted([*known, "unplug", "replug"]))}'
            )
        with self._lock:
            self._advance(now_ns)
            try:
                known[fault](**arguments)
            except (TypeError, ValueError, KeyError) as error:
                raise ConfigError(f'fault {fault!r} of arm {self.device}: {error}') from error
            self._remember(self._step)

    def _clear_faults(self) -> None:
        self._bus.faults = BusFaults()
        self._bus.servos = self._servos
        for servo in self._servos:
            servo.complain([])

    def _power_cycle(self) -> None:
        for servo in self._servos:
            servo.power_cycle()

    def _push(self, joints: Mapping[str, float]) -> None:
        for name, angle in joints.items():
            for servo in self._axes[name]:
                servo.move_by_hand(float(angle), 0.0)

    def _silence(self, ids: list[int] | None = None) -> None:
        self._bus.faults.add_silence(self._ids(ids))

    def _corrupt(self, ids: list[int] | None = None, count: int | None = None) -> None:
        self._bus.faults.add_corruption(self._ids(ids), count)

    def _delay(self, seconds: float, count: int | None = None) -> None:
        self._bus.faults.add_delay(float(seconds), count)

    def _garbage(self, data: list[int], count: int | None = None) -> None:
        self._bus.faults.add_garbage(bytes(data), count)

    def _only(self, joints: list[str]) -> None:
        self._bus.servos = [self._by_name[name] for name in joints]

    def _factory(self, joints: list[str] | None = None) -> None:
        for name in self._by_name if joints is None else joints:
            self._by_name[name].forget_address()

    def _heat(self, joints: Mapping[str, float]) -> None:
        for name, celsius in joints.items():
            self._by_name[name].heat(float(celsius))

    def _supply(self, volts: float) -> None:
        for servo in self._servos:
            servo.volts = float(volts)

    def _alert(self, joints: list[str], causes: list[str]) -> None:
        for name in joints:
            self._by_name[name].complain(causes)

    def _ids(self, ids: list[int] | None) -> list[int]:
        return [servo.id for servo in self._servos] if ids is None else ids

    def _advance(self, stamp_ns: int) -> None:
        """Let time pass up to a moment; going back is ignored."""
        if self._operator is not None:
            self._follow_operator(stamp_ns)
            return
        last = (stamp_ns - self._start_ns) // STEP_NS
        if last > self._step and all(servo.motion.at_rest for servo in self._servos):
            self._skip_to(last)
        while self._step < last:
            for servo in self._servos:
                servo.step(STEP_NS / NS_PER_S)
            for coupling in self._couplings:
                coupling.join()
            self._step += 1
            self._roll()
            self._remember(self._step)
            if self._step % _SETTLE_STEPS == 0:
                self._settle(_SETTLE_STEPS)
        for servo in self._servos:
            servo.ahead_s = max(stamp_ns - self._start_ns - last * STEP_NS, 0) / NS_PER_S

    def _skip_to(self, step: int) -> None:
        """Let time pass in which nothing moves."""
        for place in range(max(self._step, step - HISTORY_STEPS) + 1, step + 1):
            self._history[place % HISTORY_STEPS] = self._history[self._step % HISTORY_STEPS]
            self._places[place % HISTORY_STEPS] = self._place
        self._settle(step - self._step)
        self._step = step

    def _settle(self, steps: int) -> None:
        for servo in self._servos:
            servo.settle(steps * STEP_NS / NS_PER_S)

    def _remember(self, step: int) -> None:
        slot = self._history[step % HISTORY_STEPS]
        slot[0] = [servo.angle for servo in self._servos]
        slot[1] = [servo.speed for servo in self._servos]
        self._places[step % HISTORY_STEPS] = self._place

    def _remembered(self, history: Angles, stamp_ns: int) -> Angles:
        """Return what was at a moment, between the two steps next to it."""
        self._advance(stamp_ns + STEP_NS)
        passed = max((stamp_ns - self._start_ns) / STEP_NS, 0.0)
        passed = max(passed, self._step - HISTORY_STEPS + 2.0)
        before = min(int(passed), self._step - 1) if self._step else 0
        after = min(before + 1, self._step)
        share = min(passed - before, 1.0)
        pair = history[[before % HISTORY_STEPS, after % HISTORY_STEPS]]
        return np.asarray((1.0 - share) * pair[0] + share * pair[1])

    def _roll(self) -> None:
        """Let the wheels carry it for one step."""
        if self.model.drive is not None:
            speeds = {name: servo.speed for name, servo in self._by_name.items()}
            self._place = self.model.drive.moved(self._place, speeds, STEP_NS / NS_PER_S)

    def _follow_operator(self, stamp_ns: int) -> None:
        assert self._operator is not None
        position, velocity = self._operator.state((stamp_ns - self._start_ns) / NS_PER_S)
        for servo, angle, speed in zip(self._servos, position, velocity, strict=True):
            servo.move_by_hand(float(angle), float(speed))
