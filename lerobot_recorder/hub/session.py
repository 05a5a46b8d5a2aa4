"""What the Hub has to do with a session: before it, while it runs, and after it.

All of it does nothing unless ``--dataset.push_to_hub`` asks for it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from lerobot_drivers.common.command_line import make_console
from lerobot_drivers.common.errors import HubError, LerobotRosError
from lerobot_recorder.companion import Companion
from lerobot_recorder.dataset import layout
from lerobot_recorder.hub.companion import HubCompanion
from lerobot_recorder.hub.job import CHECK, CHECK_NEW, PUSH, WHILE_RECORDING, Job
from lerobot_recorder.hub.process import Worker, ask

if TYPE_CHECKING:
    from lerobot_recorder.config import DatasetConfig

Say = Callable[[str], None]


def check_upload(dataset: DatasetConfig, resume: bool, say: Say) -> None:
    """Check before anything starts that what will be recorded can be uploaded.

    Args:
        dataset: the session's dataset.
        resume: whether it is added to.
        say: tells the user who uploads where.

    Raises:
        HubError: it cannot; says what to do.
    """
    if not dataset.push_to_hub:
        return
    is_new = not (resume and (dataset.folder / layout.INFO).exists())
    try:
        say('upload: ' + ask(CHECK_NEW if is_new else CHECK, Job.of(dataset)))
    except HubError as error:
        raise HubError(
            f'{error}; or record with --dataset.push_to_hub=false and upload later with '
            'lerobot-ros upload'
        ) from error


def upload_companions(dataset: DatasetConfig) -> list[Companion]:
    """Return what uploads while the session runs."""
    if dataset.push_to_hub != WHILE_RECORDING:
        return []
    return [HubCompanion(Job.of(dataset))]


def upload_recorded(dataset: DatasetConfig, say: Say) -> None:
    """Upload after the session what is not on the Hub yet.

    Raises:
        HubError: not all of it could be; says how to go on.
    """
    if not (dataset.push_to_hub and (dataset.folder / layout.INFO).exists()):
        return
    job = Job.of(dataset)
    try:
        upload(job, say)
    except HubError as error:
        raise HubError(f'{error}; nothing is lost, upload it with: {job.command()}') from error


@contextmanager
def kept_for_upload(dataset: DatasetConfig, say: Say) -> Iterator[None]:
    """Tell how to upload what was recorded if the session ends with an error."""
    try:
        yield
    except LerobotRosError:
        if dataset.push_to_hub and (dataset.folder / layout.INFO).exists():
            say(f'not all of it is on the Hub; upload it with: {Job.of(dataset).command()}')
        raise


def upload(job: Job, say: Say) -> None:
    """Upload a dataset, showing how far it is.

    Args:
        job: what goes where.
        say: tells the user what came of it.

    Raises:
        HubError: not all of it could be.
        KeyboardInterrupt: the user had enough; he was told how to go on.
    """
    try:
        say(_run(job))
    except KeyboardInterrupt:
        say(f'what was sent is kept; go on with: {job.command()}')
        raise


def upload_after_node(dataset: DatasetConfig) -> int:
    """Upload what a node recorded that nobody stands by; return an exit code."""
    try:
        upload_recorded(dataset, _write_line)
    except LerobotRosError as error:
        sys.stderr.write(f'error: {error}\n')
        return 1
    return 0


def _write_line(line: str) -> None:
    sys.stderr.write(f'{line}\n')


def _run(job: Job) -> str:
    columns = (TextColumn('uploading'), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    console = make_console(wraps=True)
    hidden = not console.is_interactive
    with (
        Worker(PUSH, job) as worker,
        Progress(*columns, console=console, transient=True, disable=hidden) as shown,
    ):
        bar = shown.add_task('', total=None)
        for event in worker.events():
            if 'sent' in event:
                shown.update(bar, completed=event['sent'], total=event['total'])
            if 'told' in event:
                console.print(event['told'], soft_wrap=True)
            if 'error' in event:
                raise HubError(event['error'])
            if 'done' in event:
                return str(event['done'])
    raise HubError('the upload ended without a word')
