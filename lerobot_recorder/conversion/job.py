"""What to make of a bag."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from lerobot_drivers.common.clock import FOREVER_NS
from lerobot_drivers.processors.config import ProcessorConfig
from lerobot_recorder.bags.options import AS_IT_IS, BagOptions
from lerobot_recorder.config import DatasetConfig
from lerobot_recorder.conversion.config import EpisodesConfig
from lerobot_recorder.dataset.dataset_writer import DatasetInfo, DatasetWriter
from lerobot_recorder.dataset.robot_facts import RobotFacts
from lerobot_recorder.mapping import MappingConfig
from lerobot_recorder.row_plan import RowPlan
from lerobot_recorder.row_processor import RowProcessor, make_row_processor
from lerobot_recorder.session_facts import SessionFacts, without_secrets

Progress = Callable[[int], None]
WAITING = 8
"""Pictures of each camera that wait for its encoder: here reading waits, not the robot."""


@dataclass(frozen=True)
class ConvertJob:
    """What to make of a bag; may be handed to another process.

    Attributes:
        bag: the bag.
        root: folder of the dataset.
        mapping: which topic becomes which feature.
        task: what the robot was told to do, where the bag does not say.
        dataset: how to encode pictures; None encodes by the defaults of the dataset writer.
        session: what is known beside the bag: configuration, calibration.
        sent: topic of the commands really sent, where it cannot be told by its name.
        start_ns: nothing before this acquisition time becomes a row [ns].
        end_ns: nothing after this acquisition time becomes a row [ns].
        allow_low_rate: convert even if no camera is as fast as the dataset says.
        processor: steps on the rows.
        episodes: how the bag is cut into episodes.
        resume: add to the dataset that is there.
        reading: how to read the bag.
        facts: what numbers mean; those of the mapping if None.
    """

    bag: Path
    root: Path
    mapping: MappingConfig
    task: str
    dataset: DatasetConfig | None = None
    session: SessionFacts = field(default_factory=SessionFacts)
    sent: str | None = None
    start_ns: int = 0
    end_ns: int = FOREVER_NS
    allow_low_rate: bool = False
    processor: ProcessorConfig = field(default_factory=ProcessorConfig)
    episodes: EpisodesConfig = field(default_factory=EpisodesConfig)
    resume: bool = False
    reading: BagOptions = AS_IT_IS
    facts: RobotFacts | None = None

    def row_processor(self) -> RowProcessor | None:
        """Return the steps on the rows."""
        augmentation = None if self.dataset is None else self.dataset.augmentation
        return make_row_processor(self.processor, augmentation)

    def info(self, plan: RowPlan) -> DatasetInfo:
        """Return what the dataset is to be; its encoder has been tried.

        Raises:
            ConfigError: the encoder does not work, or its settings are wrong.
        """
        features, robot_type = plan.features(), self.mapping.robot_type
        info = (
            DatasetInfo(self.mapping.fps, features, robot_type)
            if self.dataset is None
            else self.dataset.info(features, robot_type, self.adds)
        )
        facts = self.facts or RobotFacts(processors=without_secrets(self.processor.document()))
        return replace(
            info, facts=facts, video=replace(info.video, queue=info.video.queue or WAITING)
        )

    @property
    def span_ns(self) -> tuple[int | None, int | None]:
        """Begin and end that were asked for, None where none was [ns]."""
        return self.start_ns or None, None if self.end_ns == FOREVER_NS else self.end_ns

    @property
    def adds(self) -> bool:
        """Whether there is a dataset to add to."""
        return self.resume and self.root.exists() and any(self.root.iterdir())

    def writer(self, info: DatasetInfo) -> DatasetWriter:
        """Open the dataset.

        Raises:
            DatasetExistsError: there is something at the root already.
            DatasetFormatError: what is there is another dataset.
        """
        opener = DatasetWriter.resume if self.adds else DatasetWriter.create
        return opener(self.root, info)
