"""An old dataset becomes a v3.0 one, episode after episode; the old one is only read.

The new one grows in a folder of another name beside its place and gets its name when it is whole.
After an interruption the same call goes on behind the last episode that was saved.
"""

from __future__ import annotations

import json
import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from lerobot_drivers.common.errors import DatasetError, DatasetExistsError, DatasetFormatError
from lerobot_recorder.dataset import durable, info, layout
from lerobot_recorder.dataset.importer import EpisodeImporter
from lerobot_recorder.old_datasets import making, meta, survey
from lerobot_recorder.old_datasets.making import Made
from lerobot_recorder.old_datasets.notices import numbered
from lerobot_recorder.old_datasets.survey import OldDataset, OldEpisode, Wanted

_SETTINGS = '.convert.json'
_SHOWN = 3
AHEAD = 4
"""Episodes that are made before the one that is saved; each holds its rows in memory."""
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class OldJob:
    """What to make of an old dataset.

    Attributes:
        source: Its folder.
        root: Folder of the new one.
        wanted: What of it.
        allow_failed: Leave out episodes that are not whole, instead of refusing.
    """

    source: Path
    root: Path
    wanted: Wanted = field(default_factory=Wanted)
    allow_failed: bool = False


@dataclass(frozen=True)
class Converted:
    """What became of it.

    Attributes:
        episodes, frames: How many the new dataset has.
        resumed: How many of the episodes an earlier call had saved.
        skipped: Episode -> why it was left out.
        notices: What else is worth telling, a line each.
    """

    episodes: int
    frames: int
    resumed: int
    skipped: dict[int, str]
    notices: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """Return it for machines."""
        return {**asdict(self), 'notices': list(self.notices)}


def look(job: OldJob) -> OldDataset:
    """Look what would be converted, and how; writes nothing.

    Raises:
        DatasetError: nothing can be converted, or not all and `allow_failed` is not set.
    """
    dataset = survey.look(job.source, job.wanted)
    if dataset.problems and not job.allow_failed:
        raise DatasetFormatError(_refusal(dataset.problems, dataset))
    return dataset


def convert_old(job: OldJob, progress: Progress = lambda done, total: None) -> Converted:
    """Convert an old dataset.

    Args:
        job: Which one, and where to.
        progress: Called with the number of episodes done and of all.

    Raises:
        DatasetExistsError: there is something at the root already.
        DatasetFormatError: an episode cannot be converted; those before it are kept for the
            next call.
        DatasetError: the disk refuses.
    """
    if job.root.exists() and (not job.root.is_dir() or any(job.root.iterdir())):
        raise DatasetExistsError(f'{job.root} exists already; choose another folder')
    if job.source.resolve() in job.root.resolve().parents:
        raise DatasetError(f'{job.root} lies in the old dataset, which is only read')
    dataset = look(job)
    work = job.root.with_name(f'.{job.root.name}.converting')
    try:
        _start(work, dataset)
        converted = _convert(dataset, work, job, progress)
        _copy_other_meta(dataset, work)
        _publish(work, job.root)
    except OSError as error:
        raise DatasetError(f'{work} cannot be written: {error}') from error
    except DatasetFormatError:
        if not (work / layout.INFO).exists():
            durable.remove_tree(work)
        raise
    return converted


def _convert(dataset: OldDataset, work: Path, job: OldJob, progress: Progress) -> Converted:
    document = info.new_document(
        info.DatasetInfo(dataset.fps, dataset.entries, dataset.meta.document.get('robot_type'))
    )
    skipped = dict(dataset.problems)
    sentences = dataset.tasks.sentences
    with EpisodeImporter(work, document, sentences) as importer, _pool() as pool:
        done = set(importer.uuids())
        left = [
            episode for episode in dataset.episodes if making.uuid_of(dataset, episode) not in done
        ]
        total = len(dataset.episodes)
        resumed = total - len(left)
        makers = _in_order(pool, lambda one: making.make(dataset, importer, one), left)
        for count, (episode, made) in enumerate(makers, start=resumed + 1):
            try:
                found = made.result()
            except DatasetFormatError as error:
                if not job.allow_failed:
                    raise _stopped(error, episode, importer) from error
                skipped[episode.index] = str(error)
            else:
                importer.add(found.folder, found.episode, found.record)
                dataset.notices.extend(found.notices, episode.index)
            progress(count, total)
        if not importer.num_episodes:
            raise DatasetFormatError(_refusal(skipped, dataset))
        _tell_renumbered(dataset, skipped)
        return Converted(
            importer.num_episodes,
            importer.total_frames,
            resumed,
            skipped,
            dataset.notices.lines(total),
        )


@contextmanager
def _pool() -> Iterator[ThreadPoolExecutor]:
    """All cores; left with an exception, what waits is not begun."""
    workers = len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else 1
    with ThreadPoolExecutor(workers, 'convert') as pool:
        try:
            yield pool
        finally:
            pool.shutdown(cancel_futures=True)


def _in_order(
    pool: ThreadPoolExecutor, make: Callable[[OldEpisode], Made], episodes: list[OldEpisode]
) -> Iterator[tuple[OldEpisode, Future[Made]]]:
    """Make episodes, a few ahead of the one that is yielded; in their order."""
    under_way: deque[tuple[OldEpisode, Future[Made]]] = deque()
    for episode in episodes:
        under_way.append((episode, pool.submit(make, episode)))
        if len(under_way) > AHEAD:
            yield under_way.popleft()
    while under_way:
        yield under_way.popleft()


def _start(work: Path, dataset: OldDataset) -> None:
    """Make the working folder, or take up the one of the same call that was interrupted."""
    settings = json.dumps(
        {
            'identity': dataset.meta.identity,
            'fps': dataset.fps,
            'features': dataset.entries,
            'tasks': dataset.tasks.sentences,
            'fallback': dataset.tasks.fallback,
        }
    )
    known = work / _SETTINGS
    if known.exists() and known.read_text(encoding='utf-8') == settings:
        return
    durable.remove_tree(work)
    durable.make_folders(work)
    durable.write_bytes(known, settings.encode())


def _copy_other_meta(dataset: OldDataset, work: Path) -> None:
    """Copy what others keep in meta, such as GR00T's modality.json."""
    for path in sorted((dataset.root / 'meta').rglob('*')):
        name = path.relative_to(dataset.root).as_posix()
        if path.is_file() and name not in meta.KNOWN and not (work / name).exists():
            durable.make_folders((work / name).parent)
            durable.write_bytes(work / name, path.read_bytes())


def _publish(work: Path, root: Path) -> None:
    """Give the dataset its name, once every byte of it is on the disk."""
    (work / _SETTINGS).unlink()
    durable.sync_folder(work)
    os.rename(work, root)
    durable.sync_folder(root.parent)


def _tell_renumbered(dataset: OldDataset, skipped: dict[int, str]) -> None:
    numbers = [e.index for e in dataset.episodes if e.index not in skipped]
    if numbers != list(range(len(numbers))):
        dataset.notices.add(
            f'episodes are numbered anew, 0 to {len(numbers) - 1}: they were {numbered(numbers)}'
        )


def _refusal(problems: Any, dataset: OldDataset) -> str:
    total = len({*problems, *(episode.index for episode in dataset.episodes)})
    shown = [f'episode {number}: {problems[number]}' for number in sorted(problems)[:_SHOWN]]
    more = f'; and {len(problems) - _SHOWN} more' if len(problems) > _SHOWN else ''
    remedy = '' if len(problems) == total else '; --allow_failed=true leaves them out'
    told = '; '.join(shown) + more + remedy
    return f'{len(problems)} of {total} episodes cannot be converted: {told}'


def _stopped(
    error: DatasetFormatError, episode: OldEpisode, importer: EpisodeImporter
) -> DatasetFormatError:
    return DatasetFormatError(
        f'episode {episode.index} cannot be converted: {error}; --allow_failed=true leaves it out '
        f'(the same command goes on behind the {importer.num_episodes} episodes done)'
    )
