"""Statistics computed anew take the place of those on the disk: all of them, or none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from lerobot_drivers.common.errors import DatasetError, DatasetFormatError
from lerobot_recorder.dataset import (
    closing,
    commit,
    episodes,
    folder_links,
    info,
    layout,
    parquet_writer,
    schema,
    seal,
)
from lerobot_recorder.dataset.edits.assemble import Progress, no_progress
from lerobot_recorder.dataset.edits.recompute import Recomputed, recompute
from lerobot_recorder.dataset.edits.source import Source, read_source
from lerobot_recorder.dataset.reading import ODD_CONTENT, guarded, told
from lerobot_recorder.dataset.statistics import NAMES, Summary
from lerobot_recorder.dataset.work_folder import WorkFolder


def write_statistics(
    root: Path, decode: bool = False, progress: Progress = no_progress
) -> Recomputed:
    """Compute all statistics of a dataset anew and write them into it.

    Args:
        root: The dataset.
        decode: Decode pictures of all episodes, see `recompute`.
        progress: Told how many episodes are done, and of how many.

    Returns:
        What was computed, and how the dataset deviated from it.

    Raises:
        DatasetFormatError: it is no dataset, or not whole; it was not touched.
        DatasetError: it is being recorded into, was changed meanwhile, or the disk refused.
    """
    try:
        info.read(root)
        work = WorkFolder(root)
        try:
            if any(path.is_dir() for path in work.path.iterdir()):
                raise DatasetError(f'{root} holds an interrupted recording; resume it first')
            source = read_source(root, is_open=True, needs_statistics=False)
            sealed = seal.is_intact(root)
            found = recompute(source, decode, progress)
            _commit(source, found, work)
            if sealed:
                seal.write(root, len(source.rows), found.state)
        finally:
            work.close(clean=not work.was_left)
    except OSError as error:
        raise DatasetError(
            f'{root}: {error}; statistics are the old or the new ones: try again'
        ) from error
    except ODD_CONTENT as error:
        raise DatasetFormatError(f'{root} cannot be read: {told(error)}') from error
    return found


def _commit(source: Source, found: Recomputed, work: WorkFolder) -> None:
    """Let the new files take the place of the old ones; what was begun is finished by a repair."""
    folder, root, start = work.start_change(), source.root, 0
    try:
        files = {}
        for number, path in enumerate(layout.episodes_files(root)):
            with guarded(path):
                table, _ = episodes.read_file(path)
            here = found.episodes[start : start + len(table)]
            name = f'episodes-{number}.parquet'
            parquet_writer.write_table(
                _with_statistics(table, here, found.features), folder / name
            )
            files[name] = path.relative_to(root).as_posix()
            start += len(table)
        document = {**closing.read_stats(root), **found.whole}
        (folder / 'stats.json').write_bytes(info.dumps(document))
        files['stats.json'] = layout.STATS
        if folder_links.snapshot(root, {layout.RECORDING}) != source.before:
            raise DatasetError(f'{root} was changed while it was read; it is as it was')
        commit.commit(folder, root, files)
    except BaseException:
        if not commit.is_pending(folder):
            work.drop(folder)
        raise
    work.drop(folder)


def _with_statistics(
    table: pa.Table, summaries: Sequence[Mapping[str, Summary]], features: Mapping[str, Any]
) -> pa.Table:
    wanted = episodes.columns_for(features, extra=False)
    for key in summaries[0] if summaries else ():
        picture = schema.is_picture(features[key])
        lists = [one[key].to_lists(picture) for one in summaries]
        for name in NAMES:
            column = f'stats/{key}/{name}'
            values = pa.array([one[name] for one in lists], wanted.field(column).type)
            at = table.schema.get_field_index(column)
            table = (
                table.append_column(column, values)
                if at < 0
                else table.set_column(at, column, values)
            )
    return table
