"""What is done with one of many bags: looked into first, converted later; in any process.

Only what is cheap is imported with this module: it is the first that a new process loads.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lerobot_drivers.common.config import Section
from lerobot_recorder.bulk.work import BagPlace, at_work, size_of

if TYPE_CHECKING:
    from lerobot_recorder.convert import ConvertJob

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Task:
    """A bag, and what is to be made of it.

    Attributes:
        place: the bag, and where it is worked on.
        sections: the settings, as they were read.
        encoder: settings of ``dataset.rgb_encoder`` that were found out once for all bags.
    """

    place: BagPlace
    sections: Section
    encoder: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Look:
    """What a bag can give.

    Attributes:
        bag: the bag.
        features: as info.json describes them; None if it cannot be converted.
        robot_type: LeRobot's name of the robot.
        problem: why it cannot be converted, empty if it can.
        messages: how many there are to be read.
        duration_s: from its first to its last message [s].
        size: of its files [bytes].
    """

    bag: Path
    features: dict[str, Any] | None
    robot_type: str | None
    problem: str
    messages: int
    duration_s: float
    size: int

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Look:
        """Return what was kept of one."""
        return cls(**{**document, 'bag': Path(document['bag'])})


def look(task: Task, progress: Progress) -> Look:
    """Look at the first messages of a bag, which takes no time.

    Args:
        task: the bag.
        progress: not told anything.

    Raises:
        OSError: the disk refuses.
    """
    from lerobot_drivers.common.errors import LerobotRosError
    from lerobot_recorder.bag_reader import BagReader
    from lerobot_recorder.conversion import checks

    bag, messages, duration_s = task.place.bag, 0, 0.0
    features: dict[str, Any] | None = None
    robot_type, problem = None, ''
    try:
        job = _job(task)
        robot_type = job.mapping.robot_type
        with BagReader(bag, job.reading) as opened:
            messages = opened.count(job.mapping.topics())
            duration_s = opened.duration_s
            learnt = checks.learn(opened, job.mapping, job.row_processor())
            if learnt.problems:
                raise checks.as_one(learnt.problems)
            features = learnt.plan.features()
    except LerobotRosError as error:
        problem = str(error)
    return Look(bag, features, robot_type, problem, messages, duration_s, size_of(bag))


def convert(task: Task, progress: Progress) -> dict[str, Any]:
    """Make a dataset of a bag; return its report, which is kept when the dataset is whole.

    Args:
        task: the bag.
        progress: told how many messages are read, and of how many.

    Raises:
        LerobotRosError: it cannot be converted; episodes that are whole stay.
    """
    from lerobot_drivers.common.errors import LerobotRosError
    from lerobot_recorder.convert import Conversion
    from lerobot_recorder.dataset import durable, layout

    with at_work(task.place.folder.parent):
        done = task.place.report()
        if done is not None:
            return done
        if not (task.place.dataset / layout.INFO).exists():
            durable.remove_tree(task.place.dataset)  # of a kill before its first episode
        try:
            with Conversion(_job(task)) as conversion:
                of = conversion.messages
                converted = conversion.run(lambda number: progress(number, of))
        except LerobotRosError as error:
            task.place.fail(str(error))
            raise
        report = converted.document()
        task.place.keep('report', report)
        return report


def _job(task: Task) -> ConvertJob:
    """Return what to make of a bag: its dataset lies beside the target, with one encoder for all.

    What a killed process has made of it is gone on with.

    Raises:
        LerobotRosError: the settings cannot be obeyed, or the bag cannot be read.
    """
    from lerobot_recorder.commands.convert import config_of, job_of

    config = config_of(task.sections)
    job = job_of(task.place.bag, config, task.sections)
    dataset = config.dataset
    if task.encoder:
        encoder = replace(dataset.rgb_encoder, **task.encoder)
        dataset = replace(dataset, vcodec=None, rgb_encoder=encoder)
    return replace(job, root=task.place.dataset, dataset=dataset, resume=True)
