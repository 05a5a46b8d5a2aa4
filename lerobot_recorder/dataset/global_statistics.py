"""The exact statistics of a whole dataset, for stats.json."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from lerobot_recorder.dataset import depth_writer, layout, schema, statistics
from lerobot_recorder.dataset.episodes import EpisodeRow
from lerobot_recorder.dataset.statistics import (
    NumberStatistics,
    PictureHistogram,
    PictureStatistics,
    Summary,
)

#: Table of an episode's record that keeps the cameras' histograms, for exact quantiles later.
HISTOGRAMS = 'picture_histograms'


class GlobalStatistics:
    """Statistics of all episodes of a dataset, feature by feature."""

    def __init__(self, features: schema.Features) -> None:
        self._features = features
        self._numbers = {
            key: NumberStatistics(schema.shape_of(features[key])[-1])
            for key in schema.number_keys(features)
        }
        self._pictures = {
            key: PictureStatistics(depth_writer.levels(features[key]))
            for key in schema.picture_keys(features)
        }

    def add(
        self,
        columns: Mapping[str, Any],
        summaries: Mapping[str, Summary],
        histograms: Mapping[str, PictureHistogram],
    ) -> None:
        """Add a new episode: its columns, their statistics, its cameras' histograms."""
        for key, number in self._numbers.items():
            number.add(columns[key], summaries[key])
        for key, picture in self._pictures.items():
            picture.add(summaries[key], histograms[key].counts)

    def add_saved(self, root: Path, rows: Sequence[EpisodeRow]) -> None:
        """Add episodes that lie in a dataset already.

        Numbers are taken from the data. Pictures are taken from the episodes' statistics and from
        the histograms kept with them; where nobody kept one, quantiles are interpolated.
        """
        for columns in episode_columns(root, rows, self._features):
            for key, number in self._numbers.items():
                number.add(columns[key], statistics.summarize(columns[key]))
        for row in rows:
            kept = read_histograms(root, row.extra.get('ros/uuid'))
            for key, picture in self._pictures.items():
                if key in row.statistics:
                    picture.add(_per_picture(row.statistics[key], row.length), kept.get(key))

    def merge(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Add the episodes of another object of the same features, by its state."""
        parts: dict[str, dict[str, NDArray[Any]]] = {}
        for name, array in state.items():
            key, _, part = name.rpartition('/')
            parts.setdefault(key, {})[part] = array
        for key, known in self._known().items():
            if key in parts:
                known.merge(parts[key])

    def state(self) -> dict[str, NDArray[Any]]:
        """Return all that `merge` needs: `<feature>/<part>` -> array."""
        return {
            f'{key}/{part}': array
            for key, statistics in self._known().items()
            for part, array in statistics.state().items()
        }

    def _known(self) -> dict[str, NumberStatistics | PictureStatistics]:
        return {**self._numbers, **self._pictures}

    def to_document(self) -> dict[str, Any]:
        """Return stats.json; features of which nothing is known are absent."""
        document: dict[str, Any] = {}
        for key in self._features:
            known = self._numbers.get(key) or self._pictures.get(key)
            if known is not None and known.count:
                document[key] = known.summary().to_lists(picture=key in self._pictures)
        return document


def episode_columns(
    root: Path, rows: Sequence[EpisodeRow], features: schema.Features
) -> Iterator[dict[str, NDArray[Any]]]:
    """Yield the numeric columns of one episode after the other; each data file is read once.

    Raises:
        DatasetFormatError: a column holds nulls.
    """
    numbers = schema.number_keys(features)
    for file, group in groupby(rows, key=lambda row: row.data):
        with pq.ParquetFile(root / layout.data_file(file)) as parquet:
            table = parquet.read(columns=numbers, use_threads=False)
        columns = {key: schema.to_numpy(table[key], features[key]) for key in numbers}
        for row in group:
            inside = columns['episode_index'] == row.index
            yield {key: column[inside] for key, column in columns.items()}


def to_table(histograms: Mapping[str, PictureHistogram]) -> pa.Table:
    """Return cameras' histograms as a table: one row per camera and channel."""
    rows = [
        {'feature': key, 'channel': channel, 'counts': counts.tolist()}
        for key, histogram in histograms.items()
        for channel, counts in enumerate(histogram.counts)
    ]
    kinds = {'feature': pa.string(), 'channel': pa.int64(), 'counts': pa.list_(pa.int64())}
    return pa.Table.from_pylist(rows, schema=pa.schema(kinds))


def read_histograms(root: Path, uuid: str | None) -> dict[str, NDArray[np.int64]]:
    """Return the histograms kept for an episode, empty if there are none."""
    path = root / layout.RECORDS / f'{uuid}.{HISTOGRAMS}.parquet'
    if uuid is None or not path.exists():
        return {}
    found: dict[str, list[list[int]]] = {}
    with pq.ParquetFile(path) as parquet:
        table = parquet.read(use_threads=False)
    for row in table.to_pylist():
        found.setdefault(row['feature'], []).append(row['counts'])
    return {key: np.array(counts, dtype=np.int64) for key, counts in found.items()}


def _per_picture(summary: Summary, length: int) -> Summary:
    """Return statistics whose count is of pictures; LeRobot's streaming mode counts pixels."""
    if summary.count <= length:
        return summary
    return Summary(
        length, summary.minimum, summary.maximum, summary.mean, summary.std, summary.quantiles
    )
