"""Processor steps: what lies between robot, policy and dataset, in LeRobot's words."""

from __future__ import annotations

from lerobot_drivers.processors.step import (
    ACTION,
    OBSERVATION,
    FeatureShape,
    ImageProcessorStep,
    ObservationProcessorStep,
    PipelineFeatures,
    ProcessorStep,
    RobotActionProcessorStep,
    Transition,
    Values,
)

__all__ = [
    'ACTION',
    'OBSERVATION',
    'FeatureShape',
    'ImageProcessorStep',
    'ObservationProcessorStep',
    'PipelineFeatures',
    'ProcessorStep',
    'RobotActionProcessorStep',
    'Transition',
    'Values',
]
