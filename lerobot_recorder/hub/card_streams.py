"""How well the streams of a dataset fit together, summed up over its episodes, for the card."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc

from lerobot_recorder.dataset import layout
from lerobot_recorder.dataset.dataset_reader import DatasetReader
from lerobot_recorder.dataset.reading import ODD_CONTENT, parquet_table
from lerobot_recorder.dataset.record import read_document

_NS_PER_MS = 1e6
_HEADS = '| stream | topic | rate [Hz] | rows repeated | messages lost | apart [ms] |'


@dataclass
class StreamFigures:
    """One stream over all episodes.

    Attributes:
        topic: where it came from.
        rates_hz: its rate, episode by episode.
        repeats: rows that had to repeat a value.
        lost: messages that never came.
        apart_ms: per row, between the stamp of the value taken and the moment of the row.
    """

    topic: str = ''
    rates_hz: list[float] = field(default_factory=list)
    repeats: int = 0
    lost: int = 0
    apart_ms: list[float] = field(default_factory=list)

    def add(self, told: dict[str, Any]) -> None:
        """Add what the record of an episode tells."""
        self.topic = str(told.get('topic', self.topic))
        rate = told.get('rate_hz')
        self.rates_hz += [float(rate)] if rate else []
        self.repeats += int(told.get('repeats') or 0)
        self.lost += int(told.get('lost') or 0)

    def line(self, name: str) -> str:
        """Return it as a row of the table."""
        rate = f'{np.median(self.rates_hz):.1f}' if self.rates_hz else ''
        apart = ''
        if self.apart_ms:
            middle, most = np.median(self.apart_ms), np.max(self.apart_ms)
            apart = f'{middle:.1f}, at most {most:.1f}'
        cells = (f'`{name}`', f'`{self.topic}`', rate, str(self.repeats), str(self.lost), apart)
        return '| ' + ' | '.join(cells) + ' |'


def section(reader: DatasetReader) -> list[str]:
    """Return the card's part about the streams, empty where nothing is known of them."""
    streams: dict[str, StreamFigures] = {}
    for row in reader.rows_of_episodes():
        uuid = row.extra.get('ros/uuid')
        path = reader.root / layout.RECORDS / f'{uuid}.json'
        for name, told in _told(path).items():
            figures = streams.setdefault(name, StreamFigures())
            figures.add(told)
            figures.apart_ms += _apart_ms(path.with_suffix('.frames.parquet'), name)
    if not streams:
        return []
    lines = [figures.line(name) for name, figures in streams.items()]
    head = [_HEADS, '|' + ' --- |' * 6]
    explained = (
        'Rows lie on a grid of acquisition time. *apart*: median and largest time between the '
        'stamp of what a row holds and the moment of that row; joints are interpolated there, a '
        'command is the first one after it.'
    )
    return ['## How it fits together in time', '\n'.join([*head, *lines]), explained]


def _told(path: Path) -> dict[str, dict[str, Any]]:
    record = read_document(path) or {}
    try:
        streams = dict(record['details']['streams'])
    except (ValueError, KeyError, TypeError):
        return {}
    return {key: told for key, told in streams.items() if isinstance(told, dict)}


def _apart_ms(path: Path, name: str) -> list[float]:
    """Return how far the values of a stream are from the moments of their rows [ms]."""
    try:
        table = parquet_table(path)
        apart = pc.subtract(table[f'{name}.stamp_ns'], table['target_ns']).drop_null().to_numpy()
    except ODD_CONTENT:
        return []
    distances: list[float] = (np.abs(apart) / _NS_PER_MS).tolist()
    return distances
