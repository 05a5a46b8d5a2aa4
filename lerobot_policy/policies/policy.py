"""What every policy can do, in LeRobot's verbs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lerobot_drivers.common.units import JointSpec
from lerobot_policy.config import PolicyConfig

Observation = Mapping[str, NDArray[Any]]
"""Observation feature -> value in dataset units: float32 (n,), pictures uint8 (h, w, 3)."""


class Policy(ABC):
    """From observations to actions.

    Args:
        config: its settings.
        joints: the robot's joints, and the axes of its base, in dataset order.

    Attributes:
        fps: actions per second it is meant for.
        action_names: names of the action's elements, such as ``shoulder_pan.pos``.
        observation_keys: features it wants to see, ``observation.state`` among them.
        sees_robot: it sees the robot without any step between: it was not learnt.
    """

    fps: int
    action_names: tuple[str, ...]
    observation_keys: tuple[str, ...]
    sees_robot: bool = False

    @abstractmethod
    def __init__(self, config: PolicyConfig, joints: tuple[JointSpec, ...]) -> None:
        """Make the policy ready to be reset."""

    @abstractmethod
    def reset(self, observation: Observation) -> None:
        """Begin anew from what is observed now."""

    @abstractmethod
    def select_action(self, observation: Observation, time_s: float) -> NDArray[np.float32] | None:
        """Return the action at a time since the reset, None when there is none any more.

        Args:
            observation: what is observed.
            time_s: time since the policy began, which stands still while the robot is held
                [s]. At 0 it may be asked again and again, until the robot is there.

        Returns:
            Shape (len(action_names),), in dataset units.
        """
