"""One connection to a Reachy 2 through its SDK: what the driver asks for, done."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from typing import Any

from lerobot_drivers.common.clock import NS_PER_S, Clock
from lerobot_drivers.reachy2.joints import BASE, BASE_AXES
from lerobot_drivers.reachy2.seed import present_as_goals
from lerobot_drivers.reachy2.state import Reader, reader
from lerobot_drivers.reachy2.tap import TappedReachy

FIRST_STATE_S = 2.0
STALE_NS = 3 * NS_PER_S // 10
"""A state older than this is no state [ns]."""
_ODOMETRY_S = 0.02
_DEGREES = 180.0 / math.pi


class Session:
    """A robot that answers.

    Args:
        host: its address.
        paths: the SDK's names of the joints that are asked for, in order.
        with_base: ask for its odometry, too.
        clock: of the states' times.

    Raises:
        ConnectionError: it does not answer, or has not all of this.
    """

    def __init__(self, host: str, paths: Sequence[str], with_base: bool, clock: Clock) -> None:
        self._clock = clock
        self._reachy = TappedReachy(host, clock)
        if not self._reachy.is_connected():
            raise ConnectionError('it does not answer; is it on, and in this network?')
        self._check_parts(paths, with_base)
        self._joints = [self._reachy.joints[path] for path in paths]
        description = self._reachy.description
        self._readers: list[Reader] = [reader(description, path) for path in paths]
        self._reachy.wait_for_state(FIRST_STATE_S)
        self._odometry: list[float] = []
        self._odometry_ns = 0
        self._with_base = with_base
        self._has_full_limits = False
        if with_base:
            self._read_odometry()
            threading.Thread(target=self._follow_base, name='odometry', daemon=True).start()

    def state(self) -> dict[str, Any]:
        """Return the latest state: when it came, and position, velocity and load by joint.

        Raises:
            ConnectionError: the robot has gone, or sends no states any more.
        """
        state, stamp_ns = self._reachy.wait_for_state(FIRST_STATE_S)
        age_ns = self._clock.now_ns() - stamp_ns
        if not self._reachy.is_connected():
            raise ConnectionError('the robot has hung up')
        if age_ns > STALE_NS:
            raise ConnectionError(f'the robot has sent no state for {age_ns / NS_PER_S:.1f} s')
        position, velocity, load = zip(*(read(state) for read in self._readers), strict=True)
        found = {'stamp_ns': stamp_ns, 'position': position, 'velocity': velocity, 'load': load}
        base = {'odometry': self._odometry, 'odometry_ns': self._odometry_ns}
        return found | base if self._with_base else found

    def set_goals(self, goals: Sequence[float | None]) -> None:
        """Send goals by joint [rad]; None leaves a joint as it is."""
        for joint, goal in zip(self._joints, goals, strict=True):
            if goal is not None:
                joint.goal_position = goal * _DEGREES
        self._reachy.send_goal_positions()

    def set_speed(self, speed: Sequence[float]) -> None:
        """Ask the base for a speed; it holds for 200 ms [m/s, m/s, rad/s]."""
        vx, vy, turn = map(float, speed)
        self._reachy.mobile_base.set_goal_speed(vx, vy, turn * _DEGREES)
        self._reachy.mobile_base.send_speed_command()

    def turn_on(self, stop: bool) -> None:
        """Make it stiff where it is.

        Args:
            stop: what is stiff already stays where it is, too, and does not go on.

        Raises:
            RuntimeError: some part did not become stiff.
        """
        state, _ = self._reachy.wait_for_state(FIRST_STATE_S)
        self._reachy.send_components(present_as_goals(self._reachy.description, state, stop))
        if self._has_full_limits and self._reachy.is_on():
            return
        if not self._reachy.turn_on():
            raise RuntimeError('it did not become stiff; check its services and its battery')
        self._reachy.reset_default_limits()
        self._has_full_limits = True
        # The SDK keeps goals that came while a part was limp, and would send them with the next.
        for joint in self._joints:
            joint.goal_position = joint.present_position
        self._reachy.send_goal_positions()

    def turn_off(self, smoothly: bool) -> None:
        """Make it limp; smoothly, its arms sink to their posture first, which takes 3 s."""
        if smoothly:
            self._reachy.turn_off_smoothly()
        else:
            self._reachy.turn_off()

    def health(self) -> dict[str, Any]:
        """Return key-values for diagnostics."""
        reachy = self._reachy
        values: dict[str, Any] = {'mode': reachy.info.mode, 'stiff': reachy.is_on()}
        if self._with_base:
            values['battery [V]'] = reachy.info.battery_voltage
        for part, actuators in reachy.audit.items():
            wrong = {name: text for name, text in actuators.items() if text not in (None, 'Ok')}
            values |= {f'{part}.{name}': text for name, text in wrong.items()}
        return values

    def _check_parts(self, paths: Sequence[str], with_base: bool) -> None:
        there = self._reachy.joints
        missing = dict.fromkeys(path.partition('.')[0] for path in paths if path not in there)
        if with_base and not self._reachy.description.HasField(BASE):
            missing[BASE] = None
        if missing:
            raise ConnectionError(
                f'this Reachy has no {", ".join(missing)}, or it is disabled; it has '
                f'{", ".join(self._reachy.info._enabled_parts)}: '
                'set robot.with_l_arm, with_r_arm, with_neck, with_antennas, with_mobile_base'
            )

    def _read_odometry(self) -> None:
        begin_ns = self._clock.now_ns()
        found = self._reachy.mobile_base.odometry
        x, y, theta = found['x'], found['y'], found['theta'] / _DEGREES
        vx, vy, turn = (found[axis] for axis in BASE_AXES)
        self._odometry = [float(value) for value in (x, y, theta, vx, vy, turn / _DEGREES)]
        self._odometry_ns = (begin_ns + self._clock.now_ns()) // 2

    def _follow_base(self) -> None:
        """Ask for the odometry at a pace of its own: each time is a call to the robot."""
        while self._reachy.is_connected():
            self._clock.sleep(_ODOMETRY_S)
            try:
                self._read_odometry()
            except Exception:  # noqa: BLE001, whatever the SDK raises: the next state tells
                return
