"""Settings of a mobile base; the words are those of ros2_control's drive controllers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from lerobot_drivers.common.config import STRICT_KEYS

_Above0 = Annotated[float, Field(gt=0, allow_inf_nan=False)]


@dataclass(frozen=True, kw_only=True)
class BaseConfig:
    """How a mobile base drives (``--robot.base.*``).

    Attributes:
        max_linear_velocity: fastest over the ground [m/s]; None is what its motors can.
        max_angular_velocity: fastest turn [rad/s]; None is what its motors can.
        max_linear_acceleration: how fast that may change [m/s^2].
        max_angular_acceleration: how fast that may change [rad/s^2].
        cmd_vel_timeout: silence after which it comes to a stand [s].
        use_stamped_vel: ``cmd_vel`` is a TwistStamped; else a Twist.
        odom_frame_id: frame in which it tells its pose.
        base_frame_id: frame of its own.
        enable_odom_tf: publish that pose on ``/tf`` too, where tf2_msgs is installed.
    """

    __pydantic_config__ = STRICT_KEYS

    max_linear_velocity: _Above0 | None = None
    max_angular_velocity: _Above0 | None = None
    max_linear_acceleration: _Above0 = 1.0
    max_angular_acceleration: _Above0 = 8.0
    cmd_vel_timeout: _Above0 = 0.5
    use_stamped_vel: bool = False
    odom_frame_id: str = 'odom'
    base_frame_id: str = 'base_link'
    enable_odom_tf: bool = True
