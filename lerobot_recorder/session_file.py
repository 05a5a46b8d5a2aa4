"""The configuration file all nodes of a session share; here the recorder's part of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from lerobot_drivers.common.clock import NS_PER_S
from lerobot_drivers.common.config import Section, build, dump, read_yaml
from lerobot_drivers.common.errors import ConfigError
from lerobot_drivers.common.naming import JOINT_COMMANDS_SENT
from lerobot_drivers.common.several import expanded, members_of, name_of
from lerobot_drivers.motors.calibration import device_name, find_calibration, load_calibration
from lerobot_drivers.processors.config import ProcessorConfig, processor_config
from lerobot_drivers.robots import make_robot, without_ports
from lerobot_drivers.robots.config import RobotConfig
from lerobot_recorder.bag_companion import BagCompanion
from lerobot_recorder.bag_config import BagConfig, bag_config
from lerobot_recorder.bag_leftovers import mend_bags
from lerobot_recorder.bag_link import BagPlace
from lerobot_recorder.capture import Capture
from lerobot_recorder.companion import Companion
from lerobot_recorder.config import DatasetConfig, RecorderConfig, TopicsConfig
from lerobot_recorder.dataset.dataset_writer import DatasetWriter
from lerobot_recorder.dataset.robot_facts import RobotFacts, checksum
from lerobot_recorder.disk_guard import MB, DiskGuard
from lerobot_recorder.encoder_choice import told
from lerobot_recorder.guess import guess_features
from lerobot_recorder.hub.session import upload_companions
from lerobot_recorder.mapping import FeatureConfig, MappingConfig, build_mapping, is_image_feature
from lerobot_recorder.memory_guard import MemoryGuard
from lerobot_recorder.preparation import MakeWriter
from lerobot_recorder.presets import Chosen, choose
from lerobot_recorder.recorder import Recorder
from lerobot_recorder.recorder_group import CaptureGroup, RecorderGroup
from lerobot_recorder.recorder_status import SessionConfig
from lerobot_recorder.resource_guard import Check, ResourceGuard
from lerobot_recorder.robot_mapping import robot_features, with_base, with_units
from lerobot_recorder.row_plan import RowPlan
from lerobot_recorder.row_processor import make_row_processor
from lerobot_recorder.session_facts import session_facts, without_secrets
from lerobot_recorder.several_robots import joined_features, joined_type


@dataclass(frozen=True)
class RecordConfig:
    """What the recorder reads of a session's file.

    Attributes:
        dataset: where it goes and how the episodes run.
        recorder: settings of the recorder itself.
        topics: topics where they cannot be told by name.
        robot: the robot of ours, None in somebody else's graph.
        robots: several robots of ours, each in a namespace of its own.
        attach: the graph is somebody else's: its topics are looked at, not derived.
        resume: add to a dataset that is there.
        bag: the bag beside the dataset, None for none.
        check: only look whether all is well before the first episode.
        sections: all sections of the session, as they were read.
        processor: steps between robot and dataset.
    """

    dataset: DatasetConfig
    recorder: RecorderConfig
    topics: TopicsConfig
    robot: RobotConfig | None
    attach: bool
    resume: bool
    bag: BagConfig | None = None
    check: bool = False
    sections: Section = field(default_factory=dict)
    robots: tuple[RobotConfig, ...] = ()
    processor: ProcessorConfig = field(default_factory=ProcessorConfig)

    @property
    def needs_graph(self) -> bool:
        """Return whether the mapping depends on the topics that are there."""
        derived = self.robots or (self.robot is not None and not self.attach)
        return self.recorder.features is None and not derived

    @property
    def parts(self) -> dict[str, RecordConfig]:
        """Return what goes into which dataset: name -> the session's part, '' if it is one."""
        if self.sections.get('robots', {}).get('datasets') != 'each':
            return {'': self}
        named = zip(members_of(self.sections), self.robots, strict=True)
        return {name_of(member): self._part(member, robot) for member, robot in named}

    def _part(self, member: Section, robot: RobotConfig) -> RecordConfig:
        name, root = name_of(member), self.dataset.root
        root = Path(f'{root}_{name}') if root else None
        dataset = replace(self.dataset, repo_id=f'{self.dataset.repo_id}_{name}', root=root)
        session = {key: part for key, part in self.sections.items() if key != 'robots'}
        session = {**session, **member, 'dataset': dump(dataset)}
        return replace(self, dataset=dataset, robots=(robot,), sections=session)

    @property
    def folders(self) -> list[Path]:
        """Return the folders of the datasets."""
        return [part.dataset.folder for part in self.parts.values()]

    def mapping(self, namespace: str, topics: Mapping[str, str]) -> MappingConfig:
        """Return which topic becomes which feature.

        Args:
            namespace: the robot's namespace.
            topics: topic -> type of the graph; used only if the mapping needs it.

        Raises:
            ConfigError: the mapping is not valid.
            StreamError: it is not clear which topics to take.
        """
        chosen = Chosen()
        features: Mapping[str, Any]
        if self.recorder.features is not None:
            features = self.recorder.features
        elif self.needs_graph:
            chosen = choose(self.recorder.preset, topics)
            features = guess_features(topics, self.topics.hints(), chosen.features)
            if self.robot is not None:
                features = with_base(with_units(features, self.robot), self.robot, topics)
        elif self.robots:
            features = joined_features(self.robots)
        else:
            features = robot_features(self._own_robot, namespace)
        keys = self.recorder.mapping_keys()
        robot_type = joined_type(self._own) or chosen.robot_type
        section = {
            **keys,
            'features': features,
            'fps': self.dataset.fps,
            'robot_type': self.recorder.robot_type or robot_type,
            'native': {**chosen.native, **keys['native']},
        }
        return build_mapping(section, 'recorder')

    @property
    def _own_robot(self) -> RobotConfig:
        assert self.robot is not None  # else the graph would have to be looked at
        return self.robot

    @property
    def _own(self) -> tuple[RobotConfig, ...]:
        return (self.robot,) if self.robot is not None else self.robots

    def plan(self, mapping: MappingConfig) -> RowPlan:
        """Return how rows are made, with the steps on them."""
        processor = make_row_processor(self.processor, self.dataset.augmentation)
        return RowPlan(mapping, processor=processor)

    def capture(self, mapping: MappingConfig) -> Capture | CaptureGroup:
        """Return what is kept beside the rows of a live recording."""
        if len(self.parts) > 1:
            each = {}
            for name, part in self.parts.items():
                # Its own from the beginning: those of another robot may be there earlier.
                facts, sent = session_facts(part.sections), f'/{name}/{JOINT_COMMANDS_SENT}'
                each[name] = Capture(part.mapping('', {}), facts, sent=sent)
            return CaptureGroup(each)
        return Capture(mapping, session_facts(self.sections), sent=self.topics.sent)

    def make_recorder(
        self,
        mapping: MappingConfig,
        capture: Capture | CaptureGroup,
        now_ns: int,
        along: Mapping[str, Sequence[Companion]],
    ) -> Recorder | RecorderGroup:
        """Return who records: one recorder for each dataset.

        Args:
            mapping: of the whole session.
            capture: what is kept beside the rows.
            now_ns: the time of arrival now [ns].
            along: name of the dataset -> who goes along.
        """
        if isinstance(capture, Capture):
            (companions,) = along.values()
            plan = self.plan(mapping)
            make_writer, session = self.make_writer(plan), self.session()
            recorder = Recorder(plan, make_writer, session, now_ns, capture, companions)
            recorder.guard = self.guard()
            return recorder
        recorders = {}
        for name, part in self.parts.items():
            kept, those = capture.captures[name], {name: along[name]}
            found = part.make_recorder(part.mapping('', {}), kept, now_ns, those)
            assert isinstance(found, Recorder)
            recorders[name] = found
        return RecorderGroup(recorders, capture)

    def companions(self) -> list[Companion]:
        """Return what goes along with the session."""
        bags = [BagCompanion(self._bag_place(self.bag))] if self.bag else []
        return [*bags, *upload_companions(self.dataset)]

    def guard(self) -> ResourceGuard:
        """Return what ends a take before memory or disk run out."""
        bags = [self.bag.folder(self.dataset.folder)] if self.bag else []
        memory_mb, disk_mb = self.recorder.memory_limit_mb, self.recorder.min_free_disk_mb
        checks: list[Check] = []
        if memory_mb != 0:
            checks.append(MemoryGuard(memory_mb and memory_mb * MB))
        if disk_mb:
            checks.append(DiskGuard([self.dataset.folder, *bags], disk_mb * MB))
        return ResourceGuard(checks)

    def _bag_place(self, config: BagConfig) -> BagPlace:
        configuration = session_facts(self.sections).files['configuration'].name
        return BagPlace(self.dataset.folder, self.dataset.repo_id, configuration, config)

    def _mend_bags(self) -> list[str]:
        place = self._bag_place(self.bag or BagConfig())
        return mend_bags(place.folder, place.notes)

    def session(self) -> SessionConfig:
        """Return how the episodes run."""
        return SessionConfig(
            task=self.dataset.single_task,
            num_episodes=self.dataset.num_episodes,
            episode_frames=self.dataset.episode_frames,
            reset_ns=round(self.dataset.reset_time_s * NS_PER_S),
            warmup_ns=round(self.dataset.warmup_time_s * NS_PER_S),
            preroll_ns=round(self.recorder.preroll_s * NS_PER_S),
            by_hand=self.recorder.manual_start,
            root=str(self.dataset.folder.absolute()),
            timeout_ns=round(self.recorder.prepare_timeout_s * NS_PER_S),
            allow_low_rate=self.recorder.allow_low_rate,
            check_only=self.check,
            fps=self.dataset.fps,
        )

    def facts(self, mapping: MappingConfig) -> RobotFacts:
        """Return what the numbers of this session mean."""
        units = {
            key: _modes(feature)
            for key, feature in mapping.features.items()
            if not is_image_feature(key)
        }
        calibration = {}
        for robot in self._own:
            for arm in make_robot(robot).arm_configs:
                name = device_name(arm.type)
                path = find_calibration('robots', name, arm.id, arm.calibration_dir)
                if path is not None:
                    found = {key: asdict(entry) for key, entry in load_calibration(path).items()}
                    calibration[f'{name} {arm.id}'] = checksum(found)
        return RobotFacts(
            units,
            calibration,
            self.dataset.allow_new_calibration,
            without_secrets(self.processor.document()),
            self.dataset.allow_new_processors,
        )

    def make_writer(self, plan: RowPlan) -> MakeWriter:
        """Return how to open the dataset once its features are known."""
        mapping = plan.mapping

        def open_dataset(features: dict[str, dict[str, Any]]) -> DatasetWriter:
            info = self.dataset.info(features, mapping.robot_type, self.resume)
            info = replace(info, facts=self.facts(mapping))
            opener = DatasetWriter.resume if self.resume else DatasetWriter.create
            writer = opener(self.dataset.folder, info)
            how = told(info)
            encoding = [f'encoding: {how}'] if how else []
            steps = plan.processor.told(info.video.vcodec) if plan.processor else []
            writer.notices = (*writer.notices, *self._mend_bags(), *encoding, *steps)
            return writer

        return open_dataset


def _modes(feature: FeatureConfig) -> dict[str, str]:
    """Return joint -> norm mode, under its name in the dataset where that is another."""
    modes: dict[str, str] = {}
    for source in feature.sources:
        names = dict(zip(source.joints or (), source.names or (), strict=False))
        modes |= {names.get(joint, joint): unit.mode.value for joint, unit in source.units.items()}
    return modes


def of_others(sections: Section) -> Section:
    """Return the sections of a session in a graph of others, or in a bag.

    A robot named there tells joints and units; it is not opened, so it needs no port.
    """
    robot = sections.get('robot')
    named = {'robot': without_ports(robot)} if isinstance(robot, dict) else {}
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
    sections = expanded(sections)
    robot, attach = sections.get('robot'), bool(sections.get('attach', False))
    several = members_of(sections) if 'robots' in sections else []
    recorder = build(RecorderConfig, sections.get('recorder') or {}, 'recorder')
    choose(recorder.preset, {})  # an unknown one is told before anything starts
    ours = several or (robot and not attach)
    if recorder.preset is not None and (recorder.features is not None or ours):
        why = 'recorder.features' if recorder.features is not None else 'the robot'
        raise ConfigError(f'{where}: recorder.preset has no say beside {why}; leave one out')
    return RecordConfig(
        dataset=build(DatasetConfig, sections['dataset'], 'dataset'),
        recorder=recorder,
        topics=build(TopicsConfig, sections.get('topics') or {}, 'topics'),
        robot=build(RobotConfig, robot, 'robot') if robot else None,
        attach=attach,
        resume=bool(sections.get('resume', False)),
        bag=bag_config(sections),
        check=bool(sections.get('check', False)),
        sections=dict(sections),
        robots=tuple(build(RobotConfig, m['robot'], f'robots.{name_of(m)}') for m in several),
        processor=processor_config(sections),
    )
