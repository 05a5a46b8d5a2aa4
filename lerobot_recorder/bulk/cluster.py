"""Many bags on many machines, through HuggingFace ``datatrove`` (extra ``cluster``).

Each task of a cluster converts its share of the bags into the conversion's work folder, which has
to lie on a disk that all machines see. What is done is known by what lies there, as with one
machine: tasks may be killed, come twice or run anywhere; the same call again does what is left,
and joins all when nothing is.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lerobot_drivers.common.config import STRICT_KEYS
from lerobot_drivers.common.errors import ConfigError
from lerobot_recorder.bulk.one_bag import Task
from lerobot_recorder.bulk.resources import cores_here
from lerobot_recorder.bulk.work import LOGS

EXECUTORS = {
    'local': 'LocalPipelineExecutor',
    'ray': 'RayPipelineExecutor',
    'slurm': 'SlurmPipelineExecutor',
}


@dataclass(frozen=True, kw_only=True)
class ClusterConfig:
    """Who converts, if not processes of this machine (``--cluster.*``).

    Attributes:
        executor: ``local`` (for trying), ``ray`` or ``slurm``; the extra ``cluster`` brings them.
        tasks: into how many the bags are divided; None makes one of each bag.
        workers: how many run at a time; None lets ``local`` use the cores, others no limit.
        cpus_per_task: cores for each.
        mem_per_cpu_gb: memory for each of them [GB].
        partition: of Slurm.
        time: longest time of a task, for Slurm, ``HH:MM:SS``.
        qos: of Slurm.
        env_command: what a task of Slurm runs first, such as activating an environment.
        sbatch_args: more options of ``sbatch``.
        resubmit: hand bags to Slurm once more that an earlier call handed over: its jobs are gone.
    """

    __pydantic_config__ = STRICT_KEYS

    executor: str
    tasks: int | None = None
    workers: int | None = None
    cpus_per_task: int = 2
    mem_per_cpu_gb: int = 1
    partition: str | None = None
    time: str | None = None
    qos: str = 'normal'
    env_command: str | None = None
    sbatch_args: dict[str, Any] | None = None
    resubmit: bool = False

    def __post_init__(self) -> None:
        if self.executor not in EXECUTORS:
            known = ', '.join(EXECUTORS)
            raise ValueError(f'executor must be one of {known}, found {self.executor!r}')
        if self.executor == 'slurm' and not (self.partition and self.time):
            raise ValueError('executor slurm needs partition and time, as sbatch does')
        for name in ('tasks', 'workers', 'cpus_per_task'):
            number = getattr(self, name)
            if number is not None and number < 1:
                raise ValueError(f'{name} must be at least 1, found {number}')

    def arguments(self) -> dict[str, Any]:
        """Return what the executor takes beside its pipeline, its tasks and its folder."""
        if self.executor == 'local':
            return {'workers': self.workers or cores_here()}
        both = {
            'workers': self.workers or -1,
            'cpus_per_task': self.cpus_per_task,
            'mem_per_cpu_gb': self.mem_per_cpu_gb,
        }
        if self.executor == 'ray':
            return both
        return {
            **both,
            'partition': self.partition,
            'time': self.time,
            'qos': self.qos,
            'env_command': self.env_command,
            'sbatch_args': self.sbatch_args,
            'job_name': 'lerobot_convert',
            'mail_type': 'NONE',
        }


def run_on(config: ClusterConfig, tasks: Sequence[Task], folder: Path) -> None:
    """Have bags converted by a cluster; Slurm's jobs are only handed over.

    Args:
        config: which cluster.
        tasks: the bags.
        folder: the conversion's work folder; what ``datatrove`` logs goes there too.

    Raises:
        ConfigError: ``datatrove`` or Ray is missing.
    """
    step = _needed('lerobot_recorder.bulk.cluster_step')
    executors = _needed('datatrove.executor')
    if config.executor == 'ray':
        _needed('ray').init(ignore_reinit_error=True, log_to_driver=False, include_dashboard=False)
    number = min(config.tasks or len(tasks), len(tasks))
    executor = getattr(executors, EXECUTORS[config.executor])(
        pipeline=[step.ConvertBags(tasks)],
        tasks=number,
        logging_dir=str(_new_logs(folder)),
        skip_completed=False,  # the work folder knows better
        **config.arguments(),
    )
    executor.run()


def is_handed_over(config: ClusterConfig, folder: Path) -> bool:
    """Return whether an earlier call handed the bags to Slurm, and they are not to be again."""
    return config.executor == 'slurm' and not config.resubmit and _calls(folder) > 0


def _new_logs(folder: Path) -> Path:
    """Return a new folder for logs: ``logs-1``, ``logs-2`` ..."""
    return folder / f'{LOGS}{_calls(folder) + 1}'


def _calls(folder: Path) -> int:
    return len(list(folder.glob(f'{LOGS}*')))


def _needed(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        package = (error.name or name).partition('.')[0]
        how = 'pip install ray' if package == 'ray' else "pip install 'lerobot_ros[cluster]'"
        raise ConfigError(f'--cluster needs the Python package {package}: {how}') from error
