"""Two SO-100 or SO-101 leaders as one teleoperator."""

from __future__ import annotations

from typing import ClassVar

from lerobot_teleop.teleoperators.bi_leader import BiLeader
from lerobot_teleop.teleoperators.serial_leader import SerialLeader
from lerobot_teleop.teleoperators.so_leader import SOLeader


class BiSOLeader(BiLeader):
    """Two SO leaders."""

    name: ClassVar[str] = 'bi_so_leader'
    arm: ClassVar[type[SerialLeader]] = SOLeader
    arm_type: ClassVar[str] = 'so101_leader'
