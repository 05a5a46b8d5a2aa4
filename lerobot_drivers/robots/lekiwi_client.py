"""A LeKiwi that somebody else's program, LeRobot's host or ours, serves on the network."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from lerobot_drivers.common.clock import NS_PER_S, Clock, SystemClock
from lerobot_drivers.common.errors import ConfigError, DeviceError, ModeError, NotConnectedError
from lerobot_drivers.common.units import JointSpec, JointUnit, NormMode
from lerobot_drivers.kiwi_net.links import ClientLink
from lerobot_drivers.kiwi_net.messages import (
    Observation,
    command_bytes,
    image_of,
    read_observation,
)
from lerobot_drivers.kiwi_net.relay import PictureRelay
from lerobot_drivers.robots.config import RobotConfig
from lerobot_drivers.robots.lekiwi_plan import ARM_JOINTS
from lerobot_drivers.robots.remote_base import RemoteBase
from lerobot_drivers.robots.robot import JointReading, Robot
from lerobot_drivers.robots.so_arm import GRIPPER, GRIPPER_UNIT, HAND_OVER_VELOCITY
from lerobot_drivers.safety import GoalLimiter, per_joint

SILENT_NS = NS_PER_S // 2
"""A host that tells nothing for so long is lost [ns]; LeRobot's tells 30 times a second."""
RECALL_S = 0.5
"""A host that was lost is waited for so long each time: who waits does nothing else [s]."""
LINGER_S = 0.2
"""A last command, to stand, may take so long to leave [s]."""
REACH = math.radians(110)
"""Of -100..100 where the host was told use_degrees=false; what it is there is not told [rad]."""
LinkMaker = Callable[[str, int, int], ClientLink]


class LeKiwiClient(Robot):
    """The robot at the other end; see ``Robot``.

    Calibration, torque and the limits of the joints are the host's. Commands are whole: the
    first one repeats the positions that were measured, so that nothing jumps.

    Args:
        config: its settings.
        with_cameras: return the host's pictures too, else hand them on to the cameras' nodes.
        clock: of its stamps, which are those of arrival.
        make_link: calls the host.
    """

    name: ClassVar[str] = 'lekiwi_client'
    default_rate_hz: ClassVar[float] = 30.0

    def __init__(
        self,
        config: RobotConfig,
        *,
        with_cameras: bool = False,
        clock: Clock | None = None,
        make_link: LinkMaker = ClientLink,
    ) -> None:
        if not config.remote_ip:
            raise ConfigError(
                'lekiwi_client needs robot.remote_ip, the address of the computer on the robot'
            )
        self.config = config
        self.clock = clock or SystemClock()
        self._with_cameras = with_cameras
        self._make_link = make_link
        self._joints = _joints(config)
        self._limiter = GoalLimiter(self.joints, config.max_relative_target, config.max_velocity)
        self._link: ClientLink | None = None
        self._relay: PictureRelay | None = None
        self._seen = Observation({})
        self._reading: JointReading | None = None
        self._heard_ns = 0
        self._base = RemoteBase(config.base, self._drive)
        self._goal = np.zeros(len(self._joints))
        self._dropped = 0

    @property
    def joints(self) -> tuple[JointSpec, ...]:
        """The arm's joints, named as LeRobot names them; see ``Robot``."""
        return self._joints

    @property
    def base(self) -> RemoteBase:
        """Its wheels; see ``Robot``."""
        return self._base

    @property
    def is_connected(self) -> bool:
        """Whether the host was heard just now."""
        return self._link is not None

    @property
    def is_calibrated(self) -> bool:
        """It is the host's to know."""
        return True

    def connect(self, calibrate: bool = False) -> None:
        """Call the host, and wait until it tells something; see ``Robot``."""
        self._close()
        config = self.config
        where = f'{config.remote_ip}, port {config.port_zmq_observations}'
        self._link = self._make_link(
            str(config.remote_ip), config.port_zmq_cmd, config.port_zmq_observations
        )
        try:
            if not self._hear(self._patience_s):
                raise NotConnectedError(
                    {where: 'no LeKiwi host answers; does lekiwi-host run on the robot?'}
                )
        except BaseException:
            self._close()
            raise
        self._hold()
        if config.cameras and not self._with_cameras:
            self._relay = PictureRelay(f'{config.remote_ip}:{config.port_zmq_observations}')

    def read_state(self) -> JointReading:
        """Return what the host told last, waiting a little for something new; see ``Robot``."""
        self._connected()
        self._hear(self.config.polling_timeout_ms / 1e3)
        silent_ns = self.clock.monotonic_ns() - self._heard_ns
        if silent_ns > SILENT_NS:
            raise DeviceError(
                f'the LeKiwi host at {self.config.remote_ip} tells nothing since '
                f'{silent_ns / NS_PER_S:.1f} s'
            )
        assert self._reading is not None
        return self._reading

    def write_goal(self, position: NDArray[np.float64]) -> NDArray[np.float64]:
        """Send goals after all limits; see ``Robot``."""
        goal = np.asarray(position, dtype=np.float64)
        if goal.shape != self._goal.shape:
            raise DeviceError(
                f'lekiwi_client takes {len(self._goal)} positions, found shape {goal.shape}'
            )
        self._connected()
        assert self._reading is not None
        sent = self._limiter.limit(goal, self._reading.position, self.clock.monotonic_ns())
        self._goal = np.where(np.isnan(sent), self._goal, sent)
        self._send()
        return sent

    def enable_torque(self) -> None:
        """Hold the present position; torque itself is the host's, and on while that runs."""
        self._connected()
        self._hold()
        self._send()

    def disable_torque(self) -> None:
        """Refuse, standing: torque is the host's.

        Raises:
            ModeError: always.
        """
        self._stand()
        raise ModeError(
            f'torque is the business of the host at {self.config.remote_ip}: the arm goes limp '
            'when that ends'
        )

    def disconnect(self) -> None:
        """Let the base stand, and hang up."""
        self._stand()
        self._close()

    def hang_up(self) -> None:
        """As ``disconnect``: the arm goes on holding, for its host does."""
        self.disconnect()

    def get_observation(self) -> dict[str, Any]:
        """Return what the host tells, in its units, and its pictures."""
        self.read_state()
        values: dict[str, Any] = {key: self._seen.state[key] for key in self.action_features}
        if self._with_cameras:
            told = self._seen.pictures
            values |= {n: image_of(told[n]) for n in self.config.cameras if told.get(n)}
        return values

    def send_action(self, action: dict[str, float]) -> dict[str, float]:
        """Send goals and velocities in dataset units; see ``Robot``."""
        known = {element.feature: element for element in self.elements}
        self.check_action(action)
        asked = {k: known[k].unit.from_dataset(value) for k, value in action.items()}
        goal = np.array([asked.get(joint.feature, math.nan) for joint in self.joints])
        axes = self._base.axes
        velocity = np.array([asked.get(axis.feature, 0.0) for axis in axes])
        drives = any(axis.feature in asked for axis in axes)
        driven = self._base.aim(velocity) if drives else None
        sent = dict(zip((j.feature for j in self.joints), self.write_goal(goal), strict=True))
        if driven is not None:
            sent |= dict(zip((axis.feature for axis in axes), driven, strict=True))
        return {
            key: known[key].unit.to_dataset(float(value))
            for key, value in sent.items()
            if not math.isnan(value)
        }

    def health(self) -> dict[str, str | float]:
        """Return the host's address, and what of it could not be read."""
        return {
            'host': str(self.config.remote_ip),
            'unreadable_observations': float(self._dropped),
        }

    @property
    def _patience_s(self) -> float:
        """How long the first observation is waited for; a host that was there is called often."""
        told_s = self.config.connect_timeout_s
        return told_s if self._reading is None else min(told_s, RECALL_S)

    def _hold(self) -> None:
        assert self._reading is not None
        self._goal = self._reading.position.copy()
        self._limiter.reset(self._goal, self.clock.monotonic_ns())

    def _hear(self, timeout_s: float) -> bool:
        """Take in the newest observation; return whether one came that can be read."""
        frames = self._connected().newest(timeout_s)
        if frames is None:
            return False
        stamp_ns = self.clock.now_ns()
        try:
            seen = read_observation(frames)
            missing = [key for key in self.action_features if key not in seen.state]
            if missing:
                raise DeviceError(f'the host tells nothing of {", ".join(missing)}')
        except DeviceError:
            self._dropped += 1
            return False
        self._take_in(seen, stamp_ns)
        return True

    def _take_in(self, seen: Observation, stamp_ns: int) -> None:
        values = [joint.unit.from_dataset(seen.state[joint.feature]) for joint in self.joints]
        position, velocity = np.array(values), np.zeros(len(values))
        before = self._reading
        if before is not None and 0 < stamp_ns - before.stamp_ns < SILENT_NS:
            velocity = (position - before.position) * NS_PER_S / (stamp_ns - before.stamp_ns)
        self._reading = JointReading(stamp_ns, position, velocity, np.zeros(len(values)))
        self._base.take_in(seen.state, stamp_ns)
        self._seen, self._heard_ns = seen, self.clock.monotonic_ns()
        if self._relay is not None:
            self._relay.publish(seen.pictures, stamp_ns)

    def _drive(self) -> None:
        self._connected()
        self._send()

    def _send(self) -> None:
        pairs = zip(self.joints, self._goal.tolist(), strict=True)
        arm = {joint.feature: joint.unit.to_dataset(value) for joint, value in pairs}
        self._connected().send(command_bytes({**arm, **self._base.wanted()}))

    def _connected(self) -> ClientLink:
        if self._link is None:
            raise DeviceError(f'{self.config.remote_ip}: not connected; call connect() first')
        return self._link

    def _stand(self) -> None:
        if self._link is not None:
            self._base.stop()

    def _close(self) -> None:
        if self._link is not None:
            self._link.close(LINGER_S)
        if self._relay is not None:
            self._relay.close()
        self._link = self._relay = None


def _joints(config: RobotConfig) -> tuple[JointSpec, ...]:
    """Return the joints; within a turn, for their calibrated ranges are the host's."""
    told = per_joint(config.max_velocity, ARM_JOINTS, 'max_velocity')
    body = JointUnit(NormMode.DEGREES)
    if config.use_degrees is False:
        body = JointUnit(NormMode.RANGE_M100_100, -REACH, REACH)
    made = []
    for at, name in enumerate(ARM_JOINTS):
        is_gripper = name.endswith(GRIPPER)
        unit = GRIPPER_UNIT if is_gripper else body
        reach = (unit.lower, unit.upper) if is_gripper else (-math.pi, math.pi)
        spec = JointSpec(name, *reach, HAND_OVER_VELOCITY, unit)
        fastest = HAND_OVER_VELOCITY if told is None else float(told[at])
        made.append(replace(spec, velocity=min(spec.velocity, fastest)))
    return tuple(made)
