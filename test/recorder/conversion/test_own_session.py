"""A bag of a whole session, cut by what was said in it, gives the episodes that were recorded."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from bag_stage import BagStage, bags
from recording_stage import MAPPING
from synthetic_messages import S, make, raw, write_bag

from lerobot_drivers.common.config import build
from lerobot_recorder.bag_link import own_episodes
from lerobot_recorder.conversion.config import EpisodesConfig
from lerobot_recorder.convert import ConvertJob, convert_bag
from lerobot_recorder.dataset.dataset_reader import DatasetReader
from lerobot_recorder.mapping import build_mapping
from lerobot_recorder.messages import RawMessage
from lerobot_recorder.recorder_status import Phase


class Session(BagStage):
    """An operator who says his words aloud, and somebody who records all that is heard."""

    def __init__(self, root: Path) -> None:
        super().__init__(root, num_episodes=99, episode_frames=9999, by_hand=True)
        self.caught: list[RawMessage] = []
        hear = self.recorder.on_message

        def catch(message: RawMessage) -> None:
            self.caught.append(message)
            hear(message)

        self.recorder.on_message = catch

    def run(self, seconds: float = 60.0, until=lambda: False) -> None:
        """Let time pass no faster than pictures are encoded: nothing is to be repeated here."""
        end = self.now + round(seconds * S)
        while self.now < end and not until():
            super().run(0.1, until)
            writer = self.recorder._writer
            while writer is not None and writer.frames_behind:
                time.sleep(0.001)

    def say(self, word: str, topic: str = '/recorder/word') -> None:
        self.caught.append(raw(topic, make('std_msgs/msg/String', word), self.now))
        if topic == '/recorder/word':
            self.recorder.obey(word)
        else:
            self.recorder.set_task(word)


@pytest.fixture
def session(tmp_path) -> Session:
    session = Session(tmp_path / 'set')
    session.run_to(Phase.WARMUP)
    for word, seconds in (
        ('start', 1.51), ('success', 1.0), ('start', 0.8), ('discard', 0.7),
        ('start', 1.23), ('save', 0.9), ('start', 0.66), ('failure', 1.0),
    ):  # fmt: skip
        session.recorder.wait()  # the disk is behind: here a second takes no time
        session.say(word)
        session.run(seconds)
    session.recorder.wait()
    session.recorder.close()
    return session


def frames(root: Path) -> list:
    records = sorted((root / 'meta/ros/episodes').glob('*.frames.parquet'))
    return sorted((pq.read_table(path) for path in records), key=lambda t: t['tick_ns'][0].as_py())


def test_the_same_rows_the_same_pictures_the_same_outcomes(session, tmp_path):
    bag = write_bag(tmp_path / 'all', session.caught)
    episodes = build(EpisodesConfig, {'by': 'marker', 'topic': '/recorder/word'}, 'episodes')
    job = ConvertJob(
        bag, tmp_path / 'again', build_mapping(MAPPING, 'mapping'), 'fold', episodes=episodes
    )
    converted = convert_bag(job)
    live, again = DatasetReader(tmp_path / 'set'), DatasetReader(tmp_path / 'again')
    assert live.num_episodes == again.num_episodes == 3
    for index in range(3):
        rows = live.episode(index).rows
        assert len(rows['action']) > 15
        for key, values in rows.items():
            assert np.array_equal(values, again.episode(index).rows[key]), (index, key)
    for one, other in zip(frames(tmp_path / 'set'), frames(tmp_path / 'again'), strict=True):
        assert one.equals(other)
    outcomes = [summary.outcome for summary in session.recorder.episodes]
    assert outcomes == ['success', None, 'failure']
    assert [episode.outcome for episode in converted.episodes] == outcomes
    assert [len(span.reason) > 0 for span in converted.skipped] == [True]


def test_the_bag_of_an_episode_tells_task_and_outcome(tmp_path):
    session = Session(tmp_path / 'set')
    session.run_to(Phase.WARMUP)
    session.say('stack the cups', '/recorder/task')
    session.say('start')
    session.run(1.0)
    session.say('success')
    session.run(1.0)
    session.recorder.wait()
    session.recorder.close()
    (bag,) = bags(tmp_path / 'set')
    job = ConvertJob(bag, tmp_path / 'again', build_mapping(MAPPING, 'mapping'), '')
    (episode,) = convert_bag(job).episodes
    assert (episode.task, episode.outcome) == ('stack the cups', 'success')
    assert episode.frames == session.recorder.episodes[0].frames
    (own,) = own_episodes(bag)
    longer = replace(job, root=tmp_path / 'longer', end_ns=own.end_ns + 300_000_000)
    assert convert_bag(longer).frames == episode.frames + 9
