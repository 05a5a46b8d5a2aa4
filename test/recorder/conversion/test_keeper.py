"""What could not be saved is noticed while the bag is still being read."""

from __future__ import annotations

import pytest

from lerobot_drivers.common.errors import DatasetError
from lerobot_recorder.conversion.keeper import Keeper
from lerobot_recorder.conversion.span import EpisodeSpan
from lerobot_recorder.dataset.saver import PendingEpisode


class Writer:
    def __init__(self):
        self.discarded = 0

    def discard_episode(self):
        self.discarded += 1


class EmptyTake:
    num_frames = 0

    def finish(self):
        pass

    def seconds(self, rows):
        return 0.0

    def waiting_for(self):
        return ['/camera']


def source(span, take):
    return {}


def test_an_empty_take_is_dropped_and_says_what_it_waited_for():
    keeper = Keeper(writer := Writer())
    keeper.close(EmptyTake(), EpisodeSpan(1, 2), source)
    assert writer.discarded == 1
    assert [one.reason for one in keeper.skipped] == ['no usable message on /camera']


def test_an_earlier_episode_that_could_not_be_saved_ends_the_conversion_at_the_next_one():
    keeper = Keeper(Writer())
    pending = PendingEpisode('first', 3, False)
    keeper._kept.append((pending, None))
    keeper.close(EmptyTake(), EpisodeSpan(1, 2), source)
    pending.resolve(DatasetError('the disk is full'))
    with pytest.raises(DatasetError, match='the disk is full'):
        keeper.close(EmptyTake(), EpisodeSpan(3, 4), source)
