"""What a bag made of a dataset tells of it in its ``custom_data``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from lerobot_recorder.bag_link import END, EPISODES, START
from lerobot_recorder.bag_session import SESSION, told_session
from lerobot_recorder.dataset import schema
from lerobot_recorder.dataset.dataset_reader import DatasetReader
from lerobot_recorder.dataset.depth_codes import DepthScale
from lerobot_recorder.dataset.encoders import JPEG
from lerobot_recorder.to_bag.episode_messages import EpisodeMessages


def notes_of(reader: DatasetReader, episodes: Sequence[EpisodeMessages]) -> dict[str, str]:
    """Return what the bag of some episodes tells.

    Of one episode it is what the recorder's own bags tell; of several, ``episodes`` lists that.
    The settings are those of the first: what a dataset is made by is the same in all of them.
    """
    each = [_of(episode) for episode in episodes]
    first = episodes[0]
    notes = {
        'dataset_root': str(reader.root.resolve()),
        SESSION: told_session(first.outline.mapping, _pictures(reader.features)),
    }
    if len(each) == 1:
        return {**{key: str(value) for key, value in each[0].items()}, **notes}
    return {EPISODES: json.dumps(each, ensure_ascii=False), **notes}


def _of(episode: EpisodeMessages) -> dict[str, Any]:
    ticks = episode.outline.times.tick_ns
    extra = episode.view.extra
    told = {
        'episode_uuid': extra.get('ros/uuid'),
        'episode_index': episode.view.index,
        'frames': episode.view.length,
        'task': episode.view.row_tasks[0],
        'outcome': extra.get('ros/outcome'),
        START: int(ticks[0]),
        END: int(ticks[-1]),
    }
    return {key: value for key, value in told.items() if value is not None}


def _pictures(features: schema.Features) -> dict[str, Any]:
    """Return how pictures lie in a dataset, as far as another way would lose something."""
    cameras = [feature for feature in features.values() if schema.is_picture(feature)]
    told: dict[str, Any] = {}
    if any(not schema.is_video(camera) for camera in cameras):
        told['video'] = False
    for camera in filter(schema.is_video, cameras):
        info = camera.get('info') or {}
        if schema.is_depth(camera):
            scale = DepthScale.of_info(info).info()
            told['depth_encoder'] = {k.removeprefix('video.'): v for k, v in scale.items()}
        elif info.get('video.codec') == JPEG:
            told['rgb_encoder'] = {'vcodec': JPEG}
    return told
