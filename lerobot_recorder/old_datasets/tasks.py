"""What the robot was to do: the sentences of an old dataset and their new indices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lerobot_drivers.common.errors import DatasetFormatError
from lerobot_recorder.old_datasets.meta import TASKS, OldMeta


@dataclass(frozen=True)
class OldTasks:
    """The tasks of an old dataset.

    Attributes:
        sentences: In the order of their new index.
        by_index: Old index -> sentence.
        listed: Episode -> the sentences that episodes.jsonl gives it.
        fallback: For rows of which nothing says what the robot was to do.
    """

    sentences: tuple[str, ...]
    by_index: Mapping[int, str]
    listed: Mapping[int, tuple[str, ...]]
    fallback: str | None

    def sentence(self, index: int | None, episode: int) -> str:
        """Return the sentence of rows.

        Args:
            index: Their old task_index, None if the episode has none.
            episode: Their episode.

        Raises:
            DatasetFormatError: nothing says what it is.
        """
        if index is not None and index in self.by_index:
            return self.by_index[index]
        listed = self.listed.get(episode, ())
        if len(listed) == 1:
            return listed[0]
        if self.fallback is not None:
            return self.fallback
        found = 'no task_index' if index is None else f'task_index {index}, not in {TASKS}'
        raise DatasetFormatError(
            f'episode {episode} has {found}; say what the robot was to do with '
            '--dataset.single_task="..."'
        )


def find(meta: OldMeta, fallback: str | None) -> tuple[OldTasks, list[str]]:
    """Return the tasks of an old dataset, and what is worth telling about them.

    Other columns may hold indices of tasks (GR00T's `annotation.*`): they stay as they are
    wherever the new format allows it.

    Raises:
        DatasetFormatError: it has none.
    """
    notices = []
    listed = {index: _strings(line.get('tasks')) for index, line in meta.listed.items()}
    if not meta.sentences and not any(listed.values()) and fallback is None:
        raise DatasetFormatError(
            f'there is no {TASKS}: say what the robot was to do with --dataset.single_task="..."'
        )
    indices = sorted(meta.sentences)
    sentences = tuple(dict.fromkeys(meta.sentences[index] for index in indices))
    if indices != list(range(len(sentences))):
        notices.append(
            'tasks.jsonl has gaps or repeats, which v3.0 cannot have: tasks are numbered anew'
        )
    if fallback is not None and meta.sentences:
        notices.append('--dataset.single_task is for rows without a task; the dataset has its own')
    return OldTasks(sentences, meta.sentences, listed, fallback), notices


def _strings(value: Any) -> tuple[str, ...]:
    values = [value] if isinstance(value, str) else value
    return tuple(filter(None, map(str, values))) if isinstance(values, list) else ()
