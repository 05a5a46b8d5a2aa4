"""The configuration file all nodes of a session share; here the recorder's part of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from lerobot_drivers.common.clock import NS_PER_S
from lerobot_drivers.common.config import Section, build, read_yaml
from lerobot_drivers.common.errors import ConfigError
from lerobot_drivers.motors.calibration import find_calibration, load_calibration
from lerobot_drivers.robots import make_robot
from lerobot_drivers.robots.config import RobotConfig
from lerobot_recorder.capture import Capture
from lerobot_recorder.companion import Companion
from lerobot_recorder.config import DatasetConfig, RecorderConfig, TopicsConfig
from lerobot_recorder.dataset.dataset_writer import DatasetWriter
from lerobot_recorder.dataset.robot_facts import RobotFacts, checksum
from lerobot_recorder.encoder_choice import told
from lerobot_recorder.guess import guess_features
from lerobot_recorder.mapping import MappingConfig, build_mapping, is_image_feature
from lerobot_recorder.recorder import MakeWriter
from lerobot_recorder.recorder_status import SessionConfig
from lerobot_recorder.robot_mapping import robot_features, with_units
from lerobot_recorder.session_facts import session_facts


@dataclass(frozen=True)
class RecordConfig:
    """What the recorder reads of a session's file.

    Attributes:
        dataset: where it goes and how the episodes run.
        recorder: settings of the recorder itself.
        topics: topics where they cannot be told by name.
        robot: the robot of ours, None in somebody else's graph.
        attach: the graph is somebody else's: its topics are looked at, not derived.
        resume: add to a dataset that is there.
        sections: all sections of the session, as they were read.
    """

    dataset: DatasetConfig
    recorder: RecorderConfig
    topics: TopicsConfig
    robot: RobotConfig | None
    attach: bool
    resume: bool
    sections: Section = field(default_factory=dict)

    @property
    def needs_graph(self) -> bool:
        """Return whether the mapping depends on the topics that are there."""
        return self.recorder.features is None and (self.attach or self.robot is None)

    def mapping(self, namespace: str, topics: Mapping[str, str]) -> MappingConfig:
        """Return which topic becomes which feature.

        Args:
            namespace: the robot's namespace.
            topics: topic -> type of the graph; used only if the mapping needs it.

        Raises:
            ConfigError: the mapping is not valid.
            StreamError: it is not clear which topics to take.
        """
        features: Mapping[str, Any]
        if self.recorder.features is not None:
            features = self.recorder.features
        elif self.robot is None:
            features = guess_features(topics, self.topics.hints())
        elif self.attach:
            features = with_units(guess_features(topics, self.topics.hints()), self.robot)
        else:
            features = robot_features(self.robot, namespace)
        section = {
            'features': features,
            'fps': self.dataset.fps,
            'robot_type': make_robot(self.robot).name if self.robot else None,
            **self.recorder.mapping_keys(),
        }
        return build_mapping(section, 'recorder')

    def capture(self, mapping: MappingConfig) -> Capture:
        """Return what is kept beside the rows of a live recording."""
        return Capture(mapping, session_facts(self.sections), sent=self.topics.sent)

    def companions(self) -> list[Companion]:
        """Return what goes along with the session."""
        return []

    def session(self) -> SessionConfig:
        """Return how the episodes run."""
        return SessionConfig(
            task=self.dataset.single_task,
            num_episodes=self.dataset.num_episodes,
            episode_frames=self.dataset.episode_frames,
            reset_ns=round(self.dataset.reset_time_s * NS_PER_S),
            timeout_ns=round(self.recorder.prepare_timeout_s * NS_PER_S),
            allow_low_rate=self.recorder.allow_low_rate,
            root=str(self.dataset.folder.absolute()),
            fps=self.dataset.fps,
        )

    def facts(self, mapping: MappingConfig) -> RobotFacts:
        """Return what the numbers of this session mean."""
        units = {
            key: {j: unit.mode.value for s in feature.sources for j, unit in s.units.items()}
            for key, feature in mapping.features.items()
            if not is_image_feature(key)
        }
        calibration = {}
        if self.robot is not None:
            robot, name = self.robot, make_robot(self.robot).name
            path = find_calibration('robots', name, robot.id, robot.calibration_dir)
            if path is not None:
                found = {motor: asdict(entry) for motor, entry in load_calibration(path).items()}
                calibration[f'{name} {robot.id}'] = checksum(found)
        return RobotFacts(units, calibration, self.dataset.allow_new_calibration)

    def make_writer(self, mapping: MappingConfig) -> MakeWriter:
        """Return how to open the dataset once its features are known."""

        def open_dataset(features: dict[str, dict[str, Any]]) -> DatasetWriter:
            info = self.dataset.info(features, mapping.robot_type, self.resume)
            info = replace(info, facts=self.facts(mapping))
            opener = DatasetWriter.resume if self.resume else DatasetWriter.create
            writer = opener(self.dataset.folder, info)
            how = told(info)
            writer.notices = (*writer.notices, *([f'encoding: {how}'] if how else []))
            return writer

        return open_dataset


def of_others(sections: Section) -> Section:
    """Return the sections of a session in a graph of others, or in a bag.

    A robot named there tells joints and units; it is not opened, so it needs no port.
    """
    robot = sections.get('robot')
    named = {'robot': {'port': 'none', **robot}} if isinstance(robot, dict) else {}
    return {**sections, **named, 'attach': True}


def load_record_config(path: Path) -> RecordConfig:
    """Read the recorder's part of a session's file.

    Raises:
        ConfigError: a section is missing, or a key of one missing, unknown or wrong.
    """
    return record_config(read_yaml(path), str(path))


def record_config(sections: Section, where: str) -> RecordConfig:
    """Validate the recorder's part of a session's sections.

    Raises:
        ConfigError: a section is missing, or a key of one missing, unknown or wrong.
    """
    if 'dataset' not in sections:
        raise ConfigError(f'{where}: section dataset is missing; it needs at least a repo_id')
    robot = sections.get('robot')
    return RecordConfig(
        dataset=build(DatasetConfig, sections['dataset'], 'dataset'),
        recorder=build(RecorderConfig, sections.get('recorder') or {}, 'recorder'),
        topics=build(TopicsConfig, sections.get('topics') or {}, 'topics'),
        robot=build(RobotConfig, robot, 'robot') if robot else None,
        attach=bool(sections.get('attach', False)),
        resume=bool(sections.get('resume', False)),
        sections=dict(sections),
    )
