"""Settings of a robot and its cameras; names and defaults are LeRobot's."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Literal, Protocol

from pydantic import BeforeValidator, Field

from lerobot_drivers.common.arm_cameras import SIDES, merged_cameras
from lerobot_drivers.common.config import STRICT_KEYS
from lerobot_drivers.common.errors import ConfigError
from lerobot_drivers.robots.base_config import BaseConfig

PositiveInt = Annotated[int, Field(gt=0)]
PositiveFloat = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Gain = Annotated[int, Field(ge=0, le=254)]
Retries = Annotated[int, Field(ge=0, le=10)]
Limit = PositiveFloat | dict[str, PositiveFloat]
"""One number for all joints, or one per joint."""
_ROTATIONS = {'NO_ROTATION': 0, 'ROTATE_90': 90, 'ROTATE_180': 180, 'ROTATE_270': -90}
_BACKENDS = {0: 'ANY', 200: 'V4L2'}


OF_A_REACHY = ('name', 'image_type', 'ip_address', 'port', 'sdk_python')
_VIEWS = {'teleop': ('left', 'right'), 'depth': ('rgb',)}


def _check_view(name: str | None, image_type: str | None) -> None:
    if image_type not in _VIEWS.get(name or '', ()):
        raise ValueError(
            f'a reachy2_camera is name teleop with image_type left or right, or depth with rgb; '
            f'found {name} with {image_type}'
        )


def _lowered(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def _rotation(value: object) -> object:
    return _ROTATIONS.get(value, value) if isinstance(value, str) else value


def _backend(value: object) -> object:
    return _BACKENDS.get(value, value) if isinstance(value, int) else value


@dataclass(frozen=True, kw_only=True)
class CameraConfig:
    """One camera.

    Attributes:
        type: name in the table of cameras.
        index_or_path: device index, device or video file, or ``sim://<world>/<device>``.
        width: width of the delivered picture, after rotation [pixel].
        height: height of the delivered picture, after rotation [pixel].
        fps: rate asked of the camera [1/s].
        color_mode: channel order of the delivered picture.
        rotation: how the picture is turned, clockwise [deg].
        latency_ms: how long before a picture arrives it was exposed [ms].
        warmup_s: how long to read and discard after opening [s].
        fourcc: pixel format asked of the camera, such as ``MJPG``.
        backend: how OpenCV opens it, ``ANY`` or ``V4L2``; devices are opened with V4L2 anyway.
        name: which of a Reachy 2's cameras, ``teleop`` or ``depth``.
        image_type: which picture of it, ``left`` or ``right``, or ``rgb``.
        ip_address: where that Reachy 2 is; None is ``localhost``, as with LeRobot.
        port: of its video service; None is 50065.
        sdk_python: the interpreter that has reachy2-sdk; see the robot's.
    """

    __pydantic_config__ = STRICT_KEYS

    type: str = 'opencv'
    index_or_path: int | str = ''
    width: PositiveInt
    height: PositiveInt
    fps: PositiveInt
    color_mode: Annotated[Literal['rgb', 'bgr'], BeforeValidator(_lowered)] = 'rgb'
    rotation: Annotated[Literal[0, 90, 180, 270, -90], BeforeValidator(_rotation)] = 0
    latency_ms: Annotated[float, Field(ge=0)] = 0.0
    warmup_s: Annotated[float, Field(ge=0)] = 1.0
    fourcc: Annotated[str, Field(min_length=4, max_length=4)] | None = None
    backend: Annotated[Literal['ANY', 'V4L2'], BeforeValidator(_backend)] = 'ANY'
    name: Literal['teleop', 'depth'] | None = None
    image_type: Literal['left', 'right', 'rgb'] | None = None
    ip_address: str | None = None
    port: PositiveInt | None = None
    sdk_python: str | None = None

    def __post_init__(self) -> None:
        if self.type == 'reachy2_camera':
            _check_view(self.name, self.image_type)
            return
        told = [key for key in OF_A_REACHY if getattr(self, key) is not None]
        if told:
            raise ValueError(f'{", ".join(told)}: only a reachy2_camera has that')
        if self.index_or_path == '':
            raise ValueError('index_or_path is missing')

    @property
    def place(self) -> str:
        """Where it is, to the user."""
        if self.type == 'reachy2_camera':
            return f'{self.name} {self.image_type} of {self.ip_address or "localhost"}'
        return str(self.index_or_path)


@dataclass(frozen=True, kw_only=True)
class ArmSide:
    """What is told of one arm of two; None is what is told of both.

    Attributes:
        port: serial device, or ``sim://<world>/<device>``.
        use_degrees: as of the whole.
        num_read_retries: as of the whole.
    """

    __pydantic_config__ = STRICT_KEYS

    port: str | None = None
    use_degrees: bool | None = None
    num_read_retries: Retries | None = None


@dataclass(frozen=True, kw_only=True)
class FollowerSide(ArmSide):
    """What is told of one follower of two; None is what is told of both.

    Attributes:
        cameras: its own, named after it in the dataset, such as ``left_wrist``.
        max_relative_target: as of the whole.
        disable_torque_on_disconnect: as of the whole.
        position_p_coefficient: as of the whole.
        position_i_coefficient: as of the whole.
        position_d_coefficient: as of the whole.
    """

    __pydantic_config__ = STRICT_KEYS

    cameras: dict[str, CameraConfig] = field(default_factory=dict)
    max_relative_target: Limit | None = None
    disable_torque_on_disconnect: bool | None = None
    position_p_coefficient: Gain | None = None
    position_i_coefficient: Gain | None = None
    position_d_coefficient: Gain | None = None


class TwoArms(Protocol):
    """Settings of what may have two arms."""

    @property
    def type(self) -> str:
        """Name in the table of its kind."""
        ...

    @property
    def id(self) -> str | None:
        """Which of several equal ones."""
        ...

    @property
    def port(self) -> str | None:
        """Port of what has one arm."""
        ...


def check_one_arm(config: TwoArms) -> None:
    """Refuse settings of arms that it has not.

    Raises:
        ConfigError: a left or right arm is told of.
    """
    names = [f'{side}_arm_{what}' for side in ('left', 'right') for what in ('port', 'config')]
    told = [name for name in names if getattr(config, name) is not None]
    if told:
        raise ConfigError(
            f'a {config.type} has one arm, on port; found {", ".join(told)}, which are '
            f'of two arms (bi_so_follower, bi_so_leader)'
        )


OF_ONE_TYPE = {
    'reachy2': (
        'ip_address',
        'use_external_commands',
        'with_neck',
        'with_l_arm',
        'with_r_arm',
        'with_antennas',
        'with_mobile_base',
        'sdk_python',
    ),
    'lekiwi_client': (
        'remote_ip',
        'port_zmq_cmd',
        'port_zmq_observations',
        'polling_timeout_ms',
        'connect_timeout_s',
    ),
}
"""Settings that mean something to one type of robot only."""


def check_own_keys(config: RobotConfig) -> None:
    """Refuse settings of other types of robots.

    Raises:
        ConfigError: one is told, and would be told in vain.
    """
    for owner, keys in OF_ONE_TYPE.items():
        told = [
            key
            for key in keys
            if getattr(config, key) != RobotConfig.__dataclass_fields__[key].default
        ]
        if told and config.type != owner:
            names = ', '.join(f'robot.{key}' for key in told)
            raise ConfigError(
                f'{names} cannot be told of a {config.type}: only a {owner} has that'
            )


@dataclass(frozen=True, kw_only=True)
class RobotConfig:
    """One robot on one serial bus, or on two.

    Attributes:
        type: name in the table of robots, such as ``so101_follower``.
        id: which of several equal robots; names its calibration file.
        port: serial device, or ``sim://<world>/<device>``.
        cameras: cameras of this robot by name; those of its arms join them.
        calibration_dir: folder of ``<id>.json`` instead of LeRobot's.
        max_relative_target: farthest a goal may lie from the measured position
            [dataset units]; for all joints, or by joint.
        max_velocity: fastest a goal may move [rad/s]; for all joints, or by joint.
        use_degrees: body joints in degrees in the dataset, else in -100..100; None is what LeRobot
            does with this robot.
        disable_torque_on_disconnect: let the arm go limp on disconnect; None is what LeRobot does:
            yes, but for a reachy2.
        home: the pose it is sent to by the service ``home``, by joint [dataset units]; None is the
            one of this model of arm, where it has one.
        emergency_stop: whether an arm in emergency stop goes on holding or is let go limp.
        rate_hz: rate of joint states [1/s]; None is what this robot's bus takes with ease.
        side: which hand it is, of a robot that is one.
        position_p_coefficient: stiffness of the motors' own position loop.
        position_i_coefficient: its integral part.
        position_d_coefficient: its damping.
        num_read_retries: how often a failed exchange with the motors is repeated.
        left_arm_port: port of the left arm of two.
        right_arm_port: port of the right one.
        left_arm_config: what else is told of the left arm alone.
        right_arm_config: what else is told of the right one.
        base: how its mobile base drives, if it has one.
        urdf: file of what it looks like instead of ours, for ``robot_description``; ``none`` for
            none.
        ip_address: where a reachy2 is reached; None is ``localhost``, as with LeRobot.
        use_external_commands: somebody else commands the reachy2, such as Pollen's teleoperation
            application; it is read only.
        with_neck, with_l_arm, with_r_arm, with_antennas, with_mobile_base: whether this part of a
            reachy2 is read and commanded.
        sdk_python: the interpreter that has reachy2-sdk; None is the one in the environment
            variable LEROBOT_ROS_REACHY2_PYTHON, else the one that runs this.
        remote_ip: where the host of a lekiwi_client is reached.
        port_zmq_cmd: where that takes commands.
        port_zmq_observations: where that gives observations.
        polling_timeout_ms: how long a new observation is waited for [ms].
        connect_timeout_s: how long the first one is [s].
    """

    __pydantic_config__ = STRICT_KEYS

    type: str
    id: str | None = None
    port: str | None = None
    cameras: dict[str, CameraConfig] = field(default_factory=dict)
    calibration_dir: Path | None = None
    max_relative_target: Limit | None = None
    max_velocity: Limit | None = None
    use_degrees: bool | None = None
    disable_torque_on_disconnect: bool | None = None
    home: dict[str, float] | None = None
    emergency_stop: Literal['hold', 'release'] = 'hold'
    rate_hz: PositiveFloat | None = None
    side: Literal['left', 'right'] | None = None
    position_p_coefficient: Gain = 16
    position_i_coefficient: Gain = 0
    position_d_coefficient: Gain = 32
    num_read_retries: Retries = 2
    left_arm_port: str | None = None
    right_arm_port: str | None = None
    left_arm_config: FollowerSide | None = None
    right_arm_config: FollowerSide | None = None
    base: BaseConfig = field(default_factory=BaseConfig)
    urdf: str | None = None
    ip_address: str | None = None
    use_external_commands: bool = False
    with_neck: bool = True
    with_l_arm: bool = True
    with_r_arm: bool = True
    with_antennas: bool = True
    with_mobile_base: bool = True
    sdk_python: str | None = None
    remote_ip: str | None = None
    port_zmq_cmd: PositiveInt = 5555
    port_zmq_observations: PositiveInt = 5556
    polling_timeout_ms: PositiveFloat = 15.0
    connect_timeout_s: PositiveFloat = 5.0

    def __post_init__(self) -> None:
        sides = [getattr(self, f'{side}_arm_config') or FollowerSide() for side in SIDES]
        cameras = merged_cameras(self.cameras, sides[0].cameras, sides[1].cameras)
        if self.type == 'lekiwi_client':
            # They are opened and turned at the host; their pictures come with the joints.
            host = f'{self.remote_ip}:{self.port_zmq_observations}'
            theirs = {'type': 'lekiwi', 'index_or_path': host, 'rotation': 0}
            cameras = {name: replace(camera, **theirs) for name, camera in cameras.items()}
        object.__setattr__(self, 'cameras', cameras)
        for side, own in zip(SIDES, sides, strict=True):
            if own.cameras:
                object.__setattr__(self, f'{side}_arm_config', replace(own, cameras={}))
