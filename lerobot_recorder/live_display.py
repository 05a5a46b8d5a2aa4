"""A live view of what would be recorded: the same features in the same units."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lerobot_drivers.common.clock import NS_PER_S
from lerobot_drivers.common.config import Section, build
from lerobot_drivers.common.several import expanded, members_of
from lerobot_drivers.robots.config import RobotConfig
from lerobot_recorder.channels import Channel, NumericChannel
from lerobot_recorder.config import RecorderConfig, TopicsConfig
from lerobot_recorder.guess import guess_features
from lerobot_recorder.mapping import MappingConfig, build_mapping
from lerobot_recorder.messages import RawMessage
from lerobot_recorder.rerun_log import RerunLog
from lerobot_recorder.row_plan import RowPlan
from lerobot_recorder.several_robots import joined_features

PERIOD_NS = NS_PER_S // 15
"""Samples of a stream that come sooner than this after one are not shown [ns]."""


def shown_mapping(sections: Section, topics: Mapping[str, str]) -> MappingConfig:
    """Return what of a session is shown: what its recorder records.

    Args:
        sections: of the session.
        topics: topic -> type of the graph; used only where the graph is somebody else's.

    Raises:
        ConfigError: a section cannot be obeyed.
        StreamError: it is not clear which topics to take.
    """
    sections = expanded(sections)
    recorder = build(RecorderConfig, sections.get('recorder') or {}, 'recorder')
    features: Mapping[str, Any]
    if recorder.features is not None:
        features = recorder.features
    elif sections.get('attach') or not {'robot', 'robots'} & set(sections):
        hints = build(TopicsConfig, sections.get('topics') or {}, 'topics').hints()
        features = guess_features(topics, hints)
    else:
        robots = [build(RobotConfig, m['robot'], 'robot') for m in members_of(sections)]
        features = joined_features(robots)
    return build_mapping({'features': features}, 'recorder')


class LiveDisplay:
    """Shows messages as they come, each stream at a rate that eyes can follow.

    Args:
        mapping: what is shown.
        log: where.
    """

    def __init__(self, mapping: MappingConfig, log: RerunLog) -> None:
        self._plan = RowPlan(mapping)
        self._log = log
        self._channels: dict[str, Channel] = {c.stream: c for c in self._plan.all_channels()}
        self._shown_ns: dict[str, int] = {}

    def on_message(self, raw: RawMessage) -> None:
        """Show what a message holds.

        Raises:
            StreamError: a topic gives nothing that can be shown.
        """
        if not self._plan.is_learned:
            self._plan.learn(raw)
            self._plan.settle(raw.received_ns)
            return
        # Even decoding what is not shown would cost.
        if raw.received_ns - self._shown_ns.get(raw.topic, -PERIOD_NS) < PERIOD_NS:
            return
        self._shown_ns[raw.topic] = raw.received_ns
        for sample in self._plan.samples(raw):
            self._log.at(sample.stamp_ns)
            self._show(self._channels[sample.stream], sample.value)

    def _show(self, channel: Channel, value: Any) -> None:
        if isinstance(channel, NumericChannel):
            self._log.numbers(channel.stream, channel.names, value)
        elif hasattr(value, 'depth'):
            self._log.picture(channel.stream, value.depth())
        elif (jpeg := getattr(value, 'jpeg', lambda: None)()) is not None:
            self._log.jpeg(channel.stream, jpeg)
        else:
            self._log.picture(channel.stream, value.rgb())
