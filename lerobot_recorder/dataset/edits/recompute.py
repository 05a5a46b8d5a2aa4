"""The statistics of a dataset computed anew, and what of those on the disk they contradict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from lerobot_recorder.dataset import closing, depth_writer, global_statistics, schema, statistics
from lerobot_recorder.dataset.edits import sampled_pictures
from lerobot_recorder.dataset.edits.assemble import Progress, no_progress
from lerobot_recorder.dataset.edits.deviations import (
    WHOLE,
    Deviation,
    Judge,
    bounds_of_all,
    bounds_of_episode,
)
from lerobot_recorder.dataset.edits.source import Source
from lerobot_recorder.dataset.episodes import EpisodeRow
from lerobot_recorder.dataset.global_statistics import GlobalStatistics
from lerobot_recorder.dataset.reading import guarded
from lerobot_recorder.dataset.statistics import NAMES, PictureHistogram, Summary

_THREADS = 4


@dataclass(frozen=True)
class Recomputed:
    """What the data say.

    Attributes:
        features: Feature entries.
        whole: Statistics of all episodes, as stats.json holds them.
        episodes: Those of each, feature by feature.
        state: `GlobalStatistics.state()`.
        deviations: What on the disk is otherwise.
    """

    features: Mapping[str, Any]
    whole: Mapping[str, Any]
    episodes: Sequence[Mapping[str, Summary]]
    state: Mapping[str, NDArray[Any]] = field(repr=False)
    deviations: Sequence[Deviation] = ()


def recompute(
    source: Source, decode: bool = False, progress: Progress = no_progress
) -> Recomputed:
    """Compute all statistics anew: of numbers from the data, exactly.

    Those of pictures come from the histograms that were kept when they were recorded, of every
    picture; where nobody kept one, pictures are decoded, as many as LeRobot looks at.

    Args:
        source: The dataset; it is only read.
        decode: Decode pictures of all episodes.
        progress: Told how many episodes are done, and of how many.

    Raises:
        DatasetFormatError: something of it cannot be read.
    """
    with guarded(source.root):
        return _recompute(source, decode, progress)


def _recompute(source: Source, decode: bool, progress: Progress) -> Recomputed:
    features, rows = source.features, list(source.rows)
    whole = GlobalStatistics(features)
    found: list[dict[str, Summary]] = []
    deviations: list[Deviation] = []
    told = _told(source)
    columns_of = global_statistics.episode_columns(source.root, rows, features)
    with ThreadPoolExecutor(_THREADS, 'decode') as pool:
        for row, columns in zip(rows, columns_of, strict=True):
            with guarded(f'{source.root}: episode {row.index}'):
                histograms = _histograms(source, row, decode, pool)
            summaries = {key: statistics.summarize(column) for key, column in columns.items()}
            summaries |= {key: histogram.summary() for key, histogram in histograms.items()}
            whole.add(columns, summaries, histograms)
            for key, summary in summaries.items():
                there = {name: values[row.index] for name, values in told[key].items()}
                bounds = bounds_of_episode(key, columns, histograms)
                judge = Judge(f'episode {row.index}', key, features[key], bounds)
                deviations += judge.deviations(there, summary.to_lists(judge.is_picture))
            found.append(summaries)
            progress(len(found), len(rows))
    document, state = whole.to_document(), whole.state()
    stats = closing.read_stats(source.root)
    first = [
        deviation
        for key, computed in document.items()
        for deviation in Judge(
            WHOLE, key, features[key], bounds_of_all(key, state, features[key])
        ).deviations(stats.get(key), computed)
    ]
    return Recomputed(features, document, found, state, [*first, *deviations])


def _histograms(
    source: Source, row: EpisodeRow, decode: bool, pool: Executor
) -> dict[str, PictureHistogram]:
    kept = {} if decode else global_statistics.read_histograms(source.root, _uuid(row))
    found, jobs = {}, {}
    for key in schema.picture_keys(source.features):
        feature = source.features[key]
        levels = depth_writer.levels(feature)
        counts = kept.get(key)
        if counts is not None and counts.shape == (levels.channels, len(levels.values)):
            found[key] = PictureHistogram.of_counts(counts, levels, row.length)
        else:
            jobs[key] = pool.submit(
                sampled_pictures.histogram, source.root, row, key, feature, source.fps
            )
    return {**found, **{key: job.result() for key, job in jobs.items()}}


def _uuid(row: EpisodeRow) -> str | None:
    return row.extra.get('ros/uuid')


def _told(source: Source) -> dict[str, dict[str, list[Any]]]:
    """Return what meta/episodes says: feature -> statistic -> its values, an episode each."""
    table = source.table
    return {
        key: {
            name: table[f'stats/{key}/{name}'].to_pylist()
            for name in NAMES
            if f'stats/{key}/{name}' in table.column_names
        }
        for key in source.features
    }
