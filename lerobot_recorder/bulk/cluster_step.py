"""The step of a ``datatrove`` pipeline that converts bags; imported only where that is there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from datatrove.pipeline.base import PipelineStep
from datatrove.utils.logging import logger

from lerobot_drivers.common.errors import LerobotRosError
from lerobot_recorder.bulk import one_bag
from lerobot_recorder.bulk.one_bag import Task


class ConvertBags(PipelineStep):  # type: ignore[misc]
    """Converts each task's share of the bags; one that fails leaves its reason, and goes on.

    Args:
        tasks: all bags.
    """

    name = 'Convert bags'
    type = 'LeRobot'

    def __init__(self, tasks: Sequence[Task]) -> None:
        super().__init__()
        self.tasks = tuple(tasks)

    def run(self, data: Any = None, rank: int = 0, world_size: int = 1) -> Iterator[Any]:
        """Convert every ``world_size``-th bag, beginning with the ``rank``-th.

        Args:
            data: what steps before this one give; passed on.
            rank: which task this is.
            world_size: how many tasks there are.
        """
        yield from data or ()
        for task in self.tasks[rank::world_size]:
            with self.track_time():
                self._convert(task)

    def _convert(self, task: Task) -> None:
        try:
            report = one_bag.convert(task, lambda done, of: None)
        except LerobotRosError as error:
            logger.error(f'{task.place.bag}: {error}')
            self.stat_update('failed')
            return
        except Exception as error:  # noqa: BLE001 - one bag must not end the others
            logger.exception(task.place.bag)
            task.place.fail(f'unexpected {type(error).__name__}: {error}')
            self.stat_update('failed')
            return
        self.stat_update('bags')
        self.stat_update('frames', value=int(report['frames']))
