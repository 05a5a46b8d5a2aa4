"""Actions relative to where the robot is, and back."""

from __future__ import annotations

from dataclasses import dataclass, field

from lerobot_drivers.processors.step import (
    ACTION,
    OBSERVATION,
    POSTPROCESSOR,
    TELEOP_ACTION,
    PipelineFeatures,
    ProcessorStep,
    Transition,
)


class _AgainstState(ProcessorStep):
    """A step that needs each joint's position beside its action."""

    places = frozenset({TELEOP_ACTION})
    elsewhere = 'it must see where the robot is: processor.teleop_action is its place'
    sign = 0.0
    exclude_joints: list[str]

    def transform_features(self, features: PipelineFeatures) -> PipelineFeatures:
        """Find the joints, and check that the robot's positions are observed."""
        numbers = [key for key, shape in features[ACTION].items() if shape is float]
        self._keys = [k for k in numbers if k.removesuffix('.pos') not in self.exclude_joints]
        unseen = [key for key in self._keys if key not in features.get(OBSERVATION, {})]
        if unseen:
            raise ValueError(
                f'{", ".join(unseen)} must be observed too, or named in exclude_joints'
            )
        return features

    def __call__(self, transition: Transition) -> Transition:
        """Return the transition with its action moved by the robot's positions."""
        action, state = transition[ACTION], transition[OBSERVATION]
        moved = {key: action[key] + self.sign * state[key] for key in self._keys}
        return {**transition, ACTION: {**action, **moved}}


@dataclass(kw_only=True)
class RelativeActionsProcessorStep(_AgainstState):
    """Makes actions relative: what is asked for less where the robot is.

    Attributes:
        exclude_joints: joints that stay absolute, such as the gripper.
    """

    sign = -1.0

    exclude_joints: list[str] = field(default_factory=list)


@dataclass(kw_only=True)
class AbsoluteActionsProcessorStep(_AgainstState):
    """Makes relative actions absolute again, after a policy that learnt relative ones.

    Attributes:
        exclude_joints: joints that are absolute already.
    """

    places = frozenset({POSTPROCESSOR})
    elsewhere = (
        'it undoes relative_actions_processor after a policy: policy.postprocessor is its place'
    )
    sign = 1.0

    exclude_joints: list[str] = field(default_factory=list)
