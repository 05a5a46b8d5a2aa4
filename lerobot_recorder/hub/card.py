"""The dataset card: what a dataset is, in figures and a picture, and how to load it."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from lerobot_drivers.common.errors import DatasetError
from lerobot_recorder.dataset import schema
from lerobot_recorder.dataset.dataset_reader import DatasetReader
from lerobot_recorder.filmstrip import write_filmstrip
from lerobot_recorder.hub import card_streams
from lerobot_recorder.hub.job import Job

README = 'README.md'
FILMSTRIP = 'meta/ros/filmstrip.jpg'
LICENSE = 'apache-2.0'
MARK = 'lerobot_ros writes this card with every upload; without this line it is yours and stays'

_SECONDS_PER_MINUTE = 60


def is_ours(content: bytes) -> bool:
    """Return whether a card was written by us, so that it may be written anew."""
    return MARK.encode() in content


def tags_of(content: bytes) -> tuple[str, ...]:
    """Return the tags in a card's header, none if it cannot be read."""
    try:
        _, header, _ = content.decode().split('---\n', 2)
        return tuple(map(str, yaml.safe_load(header)['tags']))
    except (ValueError, TypeError, LookupError, yaml.YAMLError):
        return ()


def make_card(job: Job, reader: DatasetReader) -> dict[str, bytes]:
    """Return the card and its picture, by their paths in the dataset."""
    film = _filmstrip(reader)
    text = card_text(job, reader, has_film=film is not None)
    return {README: text.encode(), **({FILMSTRIP: film} if film is not None else {})}


def card_text(job: Job, reader: DatasetReader, has_film: bool = False) -> str:
    """Return the card.

    Args:
        job: which dataset it is on the Hub.
        reader: the dataset.
        has_film: whether there is a filmstrip to be shown.
    """
    name = job.repo_id.split('/')[1]
    parts = [
        _header(job),
        f'<!-- {MARK} -->',
        f'# {_plain(name)}',
        'Recorded from a ROS 2 graph with lerobot_ros, in the format of '
        '[LeRobot](https://github.com/huggingface/lerobot) v3.0.',
        f'![pictures and joints of the first episodes]({FILMSTRIP})' if has_film else '',
        _table(('', ''), _figures(reader)),
        '## Tasks',
        _table(('task', 'episodes'), _tasks(reader)),
        *card_streams.section(reader),
        '## Features',
        _table(('feature', 'type', 'shape', 'names'), _features(reader)),
        '## Use it',
        _usage(job),
    ]
    return '\n\n'.join(part for part in parts if part) + '\n'


def _header(job: Job) -> str:
    header = {
        'license': LICENSE,
        'task_categories': ['robotics'],
        'tags': list(dict.fromkeys(['LeRobot', *job.tags])),
        'configs': [{'config_name': 'default', 'data_files': 'data/*/*.parquet'}],
    }
    return f'---\n{yaml.safe_dump(header, sort_keys=False, allow_unicode=True)}---'


def _figures(reader: DatasetReader) -> Iterator[tuple[str, str]]:
    rows = reader.rows_of_episodes()
    frames = sum(row.length for row in rows)
    yield 'episodes', str(len(rows))
    outcomes = Counter(row.extra.get('ros/outcome') for row in rows)
    if set(outcomes) != {None}:
        told = [
            f'{number} {_plain(outcome or "unmarked")}' for outcome, number in outcomes.items()
        ]
        yield 'outcomes', ', '.join(told)
    yield 'frames', f'{frames} at {reader.fps} fps, {_duration(frames / reader.fps)}'
    yield 'robot', _plain(reader.info.get('robot_type') or 'unknown')
    cameras = [_camera(key, reader.features[key]) for key in reader.cameras]
    yield 'cameras', '<br>'.join(cameras) or 'none'
    defects: Counter[str] = Counter()
    for row in rows:
        defects.update(json.loads(row.extra.get('ros/defects') or '{}'))
    if any(row.extra for row in rows):
        yield 'defects', _counts(defects) or 'none'


def _counts(counts: Mapping[str, int]) -> str:
    return ', '.join(f'{number} {_plain(name)}' for name, number in sorted(counts.items()))


def _duration(seconds: float) -> str:
    minutes = seconds / _SECONDS_PER_MINUTE
    return f'{minutes:.1f} min' if minutes >= 1 else f'{seconds:.1f} s'


def _camera(key: str, feature: schema.Feature) -> str:
    height, width = schema.size_of(feature)
    block = feature.get('info') or {}
    stored = str(block.get('video.codec', 'images in Parquet'))
    return f'{_plain(key.removeprefix("observation.images."))}: {width}x{height}, {stored}'


def _tasks(reader: DatasetReader) -> list[tuple[str, str]]:
    number = Counter(task for row in reader.rows_of_episodes() for task in row.tasks)
    return [(_plain(task), str(number[task])) for task in reader.tasks]


def _features(reader: DatasetReader) -> Iterator[tuple[str, ...]]:
    for key, feature in reader.features.items():
        if key in schema.DEFAULT_FEATURES:
            continue
        names = feature.get('names')
        listed = ', '.join(map(str, names)) if isinstance(names, list) else ''
        shape = 'x'.join(map(str, feature.get('shape', ())))
        yield f'`{key}`', str(feature['dtype']), shape, _plain(listed)


def _usage(job: Job) -> str:
    view = f'https://huggingface.co/spaces/lerobot/visualize_dataset?path={job.repo_id}'
    revision = '' if job.branch == 'main' else f', revision={job.branch!r}'
    return f"""```python
from lerobot.datasets.lerobot_dataset import LeRobotDataset

dataset = LeRobotDataset('{job.repo_id}'{revision})
```

```bash
lerobot-train --dataset.repo_id={job.repo_id} --policy.type=act
```

[Look at it in a browser]({view}). True stamps, commands and configuration of every episode are in
`meta/ros/`, which LeRobot passes over."""


def _filmstrip(reader: DatasetReader) -> bytes | None:
    """Return a picture of the first episodes, None if they cannot be shown."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, 'film.jpg')
        try:
            write_filmstrip(reader, path)
        except DatasetError:  # the card can do without
            return None
        return path.read_bytes()


def _table(heads: Sequence[str], rows: Any) -> str:
    lines = [heads, ['---'] * len(heads), *rows]
    return '\n'.join('| ' + ' | '.join(line) + ' |' for line in lines)


def _plain(text: object) -> str:
    """Return a text of the user's as Markdown shows it in a table."""
    escaped = str(text).replace('&', '&amp;').replace('<', '&lt;').replace('|', '\\|')
    return ' '.join(escaped.split())
