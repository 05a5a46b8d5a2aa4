"""``lerobot-ros convert`` of many bags: all become episodes of one dataset."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress

from lerobot_drivers.common.command_line import (
    make_console,
    read_sections,
    section_of,
    switch,
)
from lerobot_drivers.common.config import Section, build
from lerobot_drivers.common.errors import UsageError
from lerobot_recorder.bulk.already import sort_out
from lerobot_recorder.bulk.cluster import ClusterConfig, is_handed_over, run_on
from lerobot_recorder.bulk.conversion import Bulk
from lerobot_recorder.bulk.find import find_bags
from lerobot_recorder.bulk.joining import clean_up, join
from lerobot_recorder.bulk.pool import Crew, Done, Event, Failed
from lerobot_recorder.bulk.resources import most_processes
from lerobot_recorder.commands import convert
from lerobot_recorder.commands.bag_words import OWN, split_words
from lerobot_recorder.commands.convert_progress import ManyBars
from lerobot_recorder.dataset import durable
from lerobot_recorder.hub.session import check_upload, upload_recorded
from lerobot_recorder.session_file import RecordConfig


def run(arguments: Sequence[str]) -> int:
    """Run the command.

    Args:
        arguments: the command line after ``convert``.

    Raises:
        UsageError: flags that cannot be obeyed.
        BagError: words that name no bag.
        DatasetError: another process is at it, or the disk refused.
    """
    words, flags = split_words(arguments)
    sections = read_sections(flags, (*convert.KNOWN, *OWN))
    if not words:
        raise UsageError('name the bags: folders, files, "patterns*", or @LIST')
    config, report = convert.config_of(sections), convert.report_path(sections)
    console = make_console(wraps=True)

    def say(line: str) -> None:
        console.print(line, soft_wrap=True)

    found = sort_out(find_bags(words), config.dataset.folder)
    for line in found.told():
        say(line)
    bulk = Bulk.of(found.new, sections, config.dataset.folder)
    if not bulk.tasks and not found.unreadable:
        say('there is nothing to convert')
        if bulk.place.folder.exists():  # of a kill between joining and tidying
            with bulk.place.held():
                clean_up(config.dataset.folder)
                bulk.place.tidy(found.there)
        return 0
    dry_run = switch(sections, 'dry_run')
    if not dry_run:
        check_upload(config.dataset, bulk.known is not None, say)
    with Crew(most_processes(_jobs(sections), say)) as crew:
        call = _Call(_Told(console, report), config, crew, switch(sections, 'allow_failed'))
        call.failed = {str(bag): why for bag, why in found.unreadable.items()}
        call.cluster = _cluster(sections)
        if dry_run:
            return call.dry_run(bulk)
        with bulk.place.held():
            code = call.convert(bulk)
    if code == 0:
        upload_recorded(config.dataset, say)
    return code


@dataclass(frozen=True)
class _Told:
    """Where a call tells what it does.

    Attributes:
        console: what is for people.
        report: file for what became of each bag, None for none.
    """

    console: Console
    report: Path | None


class _Call:
    """One call of the command.

    Args:
        told: where it tells what it does.
        config: its settings.
        crew: who works.
        allow_failed: bags that cannot be converted are left out.

    Attributes:
        failed: bags that cannot be converted -> why.
        cluster: who converts, None if the crew does.
    """

    def __init__(self, told: _Told, config: RecordConfig, crew: Crew, allow_failed: bool) -> None:
        self._console, self._report = told.console, told.report
        self._config, self._crew, self._allow_failed = config, crew, allow_failed
        self.failed: dict[str, str] = {}
        self.cluster: ClusterConfig | None = None

    def dry_run(self, bulk: Bulk) -> int:
        """Tell what would be made of which bag."""
        bulk = self._checked(bulk)
        done = {task.place.bag for task in bulk.done}
        for task in bulk.tasks:
            look = bulk.seen[task.place.bag]
            told = ', converted already' if look.bag in done else ''
            self._say(f'{look.bag}: {look.duration_s:.1f} s, {look.size / 1e6:.0f} MB{told}')
        seconds = sum(look.duration_s for look in bulk.seen.values())
        self._say(
            f'{len(bulk.tasks)} bags, {seconds / 3600:.2f} h, would be added: at most '
            f'{round(seconds * self._config.dataset.fps)} rows'
        )
        self._tell_failures()
        return self._code()

    def convert(self, bulk: Bulk) -> int:
        """Convert what is not converted, and join all."""
        bulk = self._checked(bulk)
        if self._code():
            self._tell_failures()
            self._say(f'nothing was converted. {REMEDY}')
            return self._code()
        bulk.keep_looks()
        bulk = bulk.encoded_alike(self._config.dataset)
        ready = len(bulk.done)
        if ready:
            self._say(f'{ready} of {len(bulk.tasks)} bags are converted already')
        if self.cluster is None:
            self._work('converting', bulk.convert(self._crew), bulk)
        elif not self._on_cluster(bulk, self.cluster):
            return 0
        self._write_report(bulk)
        if bulk.done and not self._code():
            self._join(bulk)
        self._tell_failures()
        if self._code():
            self._say(
                f'{len(bulk.done)} of {len(bulk.tasks)} bags are converted and kept in '
                f'{bulk.place.folder}; nothing was joined. {REMEDY}'
            )
        return self._code()

    def _on_cluster(self, bulk: Bulk, cluster: ClusterConfig) -> bool:
        """Let a cluster convert; return whether it is at the end."""
        left, folder = bulk.left, bulk.place.folder
        is_waiting = is_handed_over(cluster, folder)
        if left and not is_waiting:
            for task in left:
                task.place.forget_failure()
            run_on(cluster, left, folder)
            is_waiting = cluster.executor == 'slurm'
        left = bulk.left
        self.failed |= {str(task.place.bag): task.place.failure() for task in left}
        silent = [task for task in left if not task.place.failure()]
        if silent and is_waiting:
            self._say(
                f'{len(silent)} of {len(bulk.tasks)} bags are with Slurm, logs in {folder}; call '
                'again when its jobs have ended: then all is joined (if jobs are lost, with '
                '--cluster.resubmit=true)'
            )
            return False
        for task in silent:
            self.failed[str(task.place.bag)] = f'its task ended in the midst of it; see {folder}'
        return True

    def _code(self) -> int:
        """Return the exit code."""
        return 1 if self.failed and not self._allow_failed else 0

    def _checked(self, bulk: Bulk) -> Bulk:
        """Return the bags that can be converted."""
        bulk = bulk.having_seen(self._work('looking', bulk.looks(self._crew), bulk))
        self.failed |= {str(bag): why for bag, why in bulk.problems().items()}
        return bulk.without([Path(name) for name in self.failed])

    def _say(self, line: str) -> None:
        self._console.print(line, soft_wrap=True)

    def _work(self, what: str, events: Iterator[Event], bulk: Bulk) -> list[Any]:
        """Let bags be worked on; return what came of them."""
        results: list[Any] = []
        sizes = {str(bag): look.size for bag, look in bulk.seen.items()}
        with ManyBars(self._console, what, sizes) as bars:
            for event in events:
                bars.show(event)
                if isinstance(event, Failed):
                    self.failed[event.name] = event.why
                elif isinstance(event, Done):
                    results.append(event.result)
        return results

    def _join(self, bulk: Bulk) -> None:
        """Join all datasets, and remove them."""
        places = [task.place for task in bulk.done]
        with Progress(
            console=self._console, transient=True, disable=not self._console.is_terminal
        ) as progress:
            bar = progress.add_task('joining', total=None)
            merged = join(
                [place.dataset for place in places],
                self._config.dataset.folder,
                lambda done, of: progress.update(bar, completed=done, total=of),
            )
        left = bulk.place.tidy({place.bag: place.mark for place in places})
        for notice in merged.notices:
            self._say(notice)
        told = f'{merged.episodes} episodes, {merged.frames} frames'
        self._say(f'{self._config.dataset.folder}: {told}, {len(places)} bags added')
        if left:
            self._say(
                f'{bulk.place.folder} holds {len(left)} bags of other calls or settings; '
                'remove it if nobody wants them'
            )

    def _tell_failures(self) -> None:
        for name, why in self.failed.items():
            self._say(f'FAILED {name}: {why.removeprefix(f"bag {name} ")}')
        if self.failed:
            self._say(f'{len(self.failed)} bags failed')

    def _write_report(self, bulk: Bulk) -> None:
        if self._report is not None:
            reports = [task.place.report() for task in bulk.done]
            document = {'bags': reports, 'failed': self.failed}
            text = json.dumps(document, indent=1, ensure_ascii=False)
            durable.write_bytes(self._report, text.encode())


REMEDY = (
    'mend them and call again (what is converted stays), or leave them out with '
    '--allow_failed=true'
)


def _cluster(sections: Section) -> ClusterConfig | None:
    section = section_of(sections, 'cluster')
    return build(ClusterConfig, section, 'cluster') if section else None


def _jobs(sections: Section) -> int | None:
    told = sections.get('jobs')
    if told is not None and (isinstance(told, bool) or not isinstance(told, int) or told < 1):
        raise UsageError(f'--jobs is a number of processes, at least 1, found {told!r}')
    return told
