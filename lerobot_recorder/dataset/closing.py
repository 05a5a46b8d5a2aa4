"""What is done once, when a dataset is closed: exact statistics of all episodes, and the seal."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from numpy.typing import NDArray

from lerobot_recorder.dataset import durable, episodes, info, layout, schema, seal
from lerobot_recorder.dataset.global_statistics import GlobalStatistics
from lerobot_recorder.dataset.statistics import Summary


class Closable(Protocol):
    """A dataset that is open, see `state.DatasetState`."""

    root: Path
    fps: int
    base: int

    @property
    def document(self) -> dict[str, Any]:
        """info.json."""
        ...

    @property
    def num_episodes(self) -> int:
        """Episodes saved so far."""
        ...

    def session_statistics(self) -> Mapping[str, NDArray[Any]]:
        """Exact statistics of the episodes that are not among the base."""
        ...


def close(state: Closable, was_sealed: bool) -> None:
    """Make stats.json exact and seal the dataset.

    Args:
        state: The dataset, all of whose episodes are saved.
        was_sealed: Whether it was intact when it was opened, so that the sealed statistics are
            those of the episodes before this session. If not, those are read from the data.

    Raises:
        OSError: the disk refused.
        DatasetFormatError: an episode cannot be read.
    """
    root, features = state.root, state.document['features']
    statistics = GlobalStatistics(features)
    if state.base:
        sealed = seal.read_statistics(root, state.base) if was_sealed else None
        if sealed is not None:
            statistics.merge(sealed)
        else:
            rows = episodes.rows_of(root, state.fps, features)[: state.base]
            statistics.add_saved(root, rows)
    statistics.merge(state.session_statistics())
    document = {**read_stats(root), **statistics.to_document()}
    durable.write_bytes(root / layout.STATS, info.dumps(document))
    seal.write(root, state.num_episodes, statistics.state())


def read_stats(root: Path) -> dict[str, Any]:
    """Return stats.json, empty if it cannot be read."""
    try:
        document = json.loads((root / layout.STATS).read_text(encoding='utf-8'))
    except (OSError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}


def read_summaries(root: Path) -> dict[str, Summary]:
    """Return stats.json, feature by feature."""
    return {key: Summary.from_lists(lists) for key, lists in read_stats(root).items()}


def stats_document(summaries: Mapping[str, Summary], features: schema.Features) -> dict[str, Any]:
    """Return stats.json of summaries."""
    return {
        key: summary.to_lists(schema.is_picture(features[key]))
        for key, summary in summaries.items()
        if key in features
    }
