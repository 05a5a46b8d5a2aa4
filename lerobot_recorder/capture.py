"""What is kept of a session beside the rows: topics at their native rate, and facts.

The same for a live graph and for a bag: it is told which topics there are, names those it
wants, and gives each take its logs and each record what it needs. What was wanted and
not there is told too.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

from rosbags.typesys.store import Typestore

from lerobot_drivers.common.naming import (
    ACTION,
    CMD_VEL,
    CMD_VEL_SENT,
    JOINT_COMMANDS,
    JOINT_COMMANDS_SENT,
    OBSERVATION_STATE,
)
from lerobot_recorder.facts import FactKind, Facts, camera_info_topics, fact_topics
from lerobot_recorder.guess import namespace_of
from lerobot_recorder.mapping import MappingConfig, NativeConfig
from lerobot_recorder.messages import RawMessage
from lerobot_recorder.native_columns import is_kept
from lerobot_recorder.native_log import NativeLog
from lerobot_recorder.provenance import UNKNOWN, versions
from lerobot_recorder.session_facts import SessionFacts

FILES = 'files'
COMMANDS = (JOINT_COMMANDS, JOINT_COMMANDS_SENT)
TABLES = (*COMMANDS, CMD_VEL, CMD_VEL_SENT)


class Capture:
    """What is kept beside the rows of a session.

    Args:
        mapping: what is recorded.
        session: what was known before the first message.
        types: definitions to read messages with; the standard ones by default.
        sent: topic of the commands really sent, where it cannot be told by its name.

    Attributes:
        facts: what changes seldom.
        refused: topic -> why it cannot be heard.
        beside: topics that are heard for companions only.
    """

    def __init__(
        self,
        mapping: MappingConfig,
        session: SessionFacts | None = None,
        types: Typestore | None = None,
        sent: str | None = None,
    ) -> None:
        self.facts = Facts(types)
        self.refused: dict[str, str] = {}
        self.beside: set[str] = set()
        self._mapping = mapping
        self._session = session or SessionFacts()
        self._types = types
        self._sent = sent
        self._native: dict[str, NativeConfig] = dict(mapping.native)
        self._commands_found: set[str] = set()
        self._cameras = camera_info_topics(mapping)

    def look(self, topics: Mapping[str, str]) -> None:
        """Learn which topics there are; ask again as others come.

        Args:
            topics: topic -> type.
        """
        self.facts.watch(fact_topics(topics, self._mapping))
        for table, topic in self._commands(topics):
            self._commands_found.add(table)
            if topic not in self.native_topics():
                numbered = (f'{table}-{n}' if n else table for n in itertools.count())
                name = next(free for free in numbered if free not in self._native)
                self._native[name] = NativeConfig(topic=topic)

    def native_topics(self) -> list[str]:
        """Return the topics that are kept at their native rate, each once."""
        return list(dict.fromkeys(source.topic for source in self._native.values()))

    def topics(self) -> list[str]:
        """Return every topic that is recorded in some way, each once."""
        mapped = self._mapping.topics()
        return list(dict.fromkeys([*mapped, *self.native_topics(), *self.fact_topics()]))

    def high_rate_topics(self) -> list[str]:
        """Return the topics that may be faster than the rows."""
        return self._mapping.high_rate_topics()

    def fact_topics(self) -> list[str]:
        """Return the topics that tell facts."""
        return self.facts.topics()

    def on_message(self, raw: RawMessage) -> bool:
        """Take in a fact; return whether the message was one."""
        if not self.facts.is_fact(raw.topic):
            return False
        self.facts.add(raw)
        return True

    def logs(self) -> list[NativeLog]:
        """Return fresh logs for a take."""
        return [NativeLog(name, source, self._types) for name, source in self._native.items()]

    def details(self, logs: list[NativeLog]) -> dict[str, Any]:
        """Return what an episode's record tells: what was kept, where, and what was missing."""
        native = {log.name: log.report() for log in logs}
        unheard = {name: report for name, report in native.items() if not report['rows']}
        session = {what: file.name for what, file in self._session.files.items()}
        told: dict[str, Any] = {
            'native': {name: report for name, report in native.items() if report['rows']},
            FILES: {**session, **self.facts.report()},
            'missing': self._missing({n: str(r['topic']) for n, r in unheard.items()}),
        }
        if self.facts.changes():
            told['changed_too_often'] = self.facts.changes()
        return told

    def files(self) -> dict[str, bytes]:
        """Return the files that ``details`` names, by name."""
        session = {file.name: file.content for file in self._session.files.values()}
        return {**session, **self.facts.files()}

    def _commands(self, topics: Mapping[str, str]) -> list[tuple[str, str]]:
        """Return table and topic of the commands asked and sent, as far as they are there."""
        near = self._near()
        action = [source.topic for source in self._sources(ACTION)]
        driven = [topic for topic in action if topic.rpartition('/')[2] == CMD_VEL_SENT]
        asked = [topic for topic in action if topic not in driven]
        asked = asked or [f'{namespace}/{JOINT_COMMANDS}' for namespace in near]
        sent = [self._sent] if self._sent else [f'{n}/{JOINT_COMMANDS_SENT}' for n in near]
        if not self._sent and not set(sent) & set(topics):
            sent = [t for t in topics if t.rpartition('/')[2] == JOINT_COMMANDS_SENT]
        wanted = [f'{namespace_of(topic)}/{CMD_VEL}' for topic in driven]
        return [
            (table, topic)
            for table, candidates in zip(TABLES, (asked, sent, wanted, driven), strict=True)
            for topic in candidates
            if is_kept(topics.get(topic, ''), self._types)
        ]

    def _near(self) -> list[str]:
        """Return the namespaces of the robot: those of its commands and of its state."""
        sources = [*self._sources(ACTION), *self._sources(OBSERVATION_STATE)]
        return list(dict.fromkeys(namespace_of(source.topic) for source in sources))

    def _sources(self, feature: str) -> list[Any]:
        config = self._mapping.features.get(feature)
        return [] if config is None else config.sources

    def _missing(self, unheard: Mapping[str, str]) -> dict[str, str]:
        """Return what was looked for and not found, and why."""
        missing = dict(self._session.missing)
        if 'configuration' not in self._session.files:
            missing['configuration'] = 'nothing was handed over'
        for name in COMMANDS:
            if name not in self._commands_found:
                missing[name] = 'no such topic near the robot'
        missing |= {name: f'no message on {topic}' for name, topic in unheard.items()}
        told = self.facts.report()
        for kind in (FactKind.ROBOT_DESCRIPTION, FactKind.STATIC_TRANSFORMS):
            if kind.value not in told:
                missing[kind.value] = self._why(self.facts.topics(kind))
        for camera, topic in self._cameras.items():
            if topic not in told.get(FactKind.CAMERA_INFO.value, {}):
                heard = [topic] if self.facts.is_fact(topic) else []
                missing[f'{FactKind.CAMERA_INFO.value} of {camera}'] = self._why(heard, topic)
        if versions()['commit'] == UNKNOWN:
            missing['commit'] = 'neither built from nor run from a repository'
        return missing

    def _why(self, topics: list[str], expected: str = '') -> str:
        if not topics:
            return f'no topic {expected}' if expected else 'no such topic'
        known = {**self.facts.errors, **self.refused}
        return '; '.join(known.get(topic, f'no message on {topic}') for topic in topics)
