"""Two SO-100 or SO-101 followers as one robot."""

from __future__ import annotations

from typing import ClassVar

from lerobot_drivers.robots.bi_follower import BiFollower
from lerobot_drivers.robots.serial_follower import SerialFollower
from lerobot_drivers.robots.so_follower import SOFollower


class BiSOFollower(BiFollower):
    """Two SO followers."""

    name: ClassVar[str] = 'bi_so_follower'
    arm: ClassVar[type[SerialFollower]] = SOFollower
    arm_type: ClassVar[str] = 'so101_follower'
