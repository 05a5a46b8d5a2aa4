"""A recording with bags beside its dataset, without ROS, for tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from recording_stage import Stage
from rosbags.highlevel import AnyReader

from lerobot_recorder.bag_companion import BagCompanion
from lerobot_recorder.bag_config import BagConfig
from lerobot_recorder.bag_link import BagPlace
from lerobot_recorder.dataset.dataset_writer import DatasetInfo, DatasetWriter

CONFIGURATION = 'configuration-0123.json'
STREAMS = {'/states', '/commands', '/front'}


class Told(BagCompanion):
    """Keeps what it was told to write, and what it told."""

    def __init__(self, place):
        super().__init__(place)
        self.heard, self.lines = [], []

    def on_message(self, raw):
        self.heard.append(raw)
        super().on_message(raw)

    def told(self):
        lines = super().told()
        self.lines += lines
        return lines


class BagStage(Stage):
    """Records into a real dataset, with a bag of each episode."""

    def __init__(self, root: Path, config: BagConfig | None = None, **session: Any) -> None:
        self.root = root
        self.place = BagPlace(root, 'me/set', CONFIGURATION, config or BagConfig())
        self.companion = Told(self.place)
        super().__init__(companions=[self.companion], **session)

    def make_writer(self, features):
        return DatasetWriter.create(self.root, DatasetInfo(30, features, 'thing'))


def bags(root: Path) -> list[Path]:
    """Return the finished bags beside a dataset, oldest first."""
    found = [path for path in root.with_name('set_bags').glob('*') if path.is_dir()]
    return sorted((path for path in found if path.name[0] != '.'), key=number)


def number(bag: Path) -> int:
    return int(metadata(bag)['custom_data']['episode_index_when_saved'])


def metadata(bag: Path) -> dict[str, Any]:
    document = yaml.safe_load((bag / 'metadata.yaml').read_text())
    return document['rosbag2_bagfile_information']


def read(bag: Path) -> list[tuple[str, str, int, bytes]]:
    """Return topic, type, time and bytes of each message, in the order of the bag."""
    with AnyReader([bag]) as reader:
        return [(c.topic, c.msgtype, at_ns, bytes(data)) for c, at_ns, data in reader.messages()]
