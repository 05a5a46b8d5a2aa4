"""``lerobot-ros dataset-viz``: an episode in rerun, the running one too."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from rich.console import Console
from rich.progress import Progress

from lerobot_drivers.common.command_line import (
    make_console,
    read_sections,
    section_of,
    split_positional,
)
from lerobot_drivers.common.config import STRICT_KEYS, Section, build
from lerobot_drivers.common.display import check_screen, require_rerun
from lerobot_drivers.common.errors import DatasetError, UsageError
from lerobot_drivers.common.help_text import Group, Help
from lerobot_recorder.commands.which_dataset import dataset_root
from lerobot_recorder.dataset.dataset_reader import DatasetReader, EpisodeView
from lerobot_recorder.dataset.watch import RunningDataset, running
from lerobot_recorder.episode_log import log_episode
from lerobot_recorder.rerun_log import LOOPBACK, RerunLog, start_viewer

DATASET_KEYS = ('repo_id', 'root', 'episode')
NEWEST = -1


@dataclass(frozen=True, kw_only=True)
class VizConfig:
    """How an episode is shown.

    Attributes:
        mode: ``local`` opens a window, ``distant`` serves a browser on this machine.
        save: write a file for rerun instead.
        output_dir: folder of that file.
        display_compressed_images: keep pictures as JPEG, for small files.
        display_mode: ``rerun``, the only one.
        grpc_port: of ``distant``, where the browser gets the data.
        web_port: of ``distant``, where the browser gets the viewer.
    """

    __pydantic_config__ = STRICT_KEYS

    mode: Literal['local', 'distant'] = 'local'
    save: bool = False
    output_dir: Path | None = None
    display_compressed_images: bool = False
    display_mode: Literal['rerun'] = 'rerun'
    grpc_port: int = 9876
    web_port: int = 9090


SETTINGS = tuple(VizConfig.__dataclass_fields__)
HELP = Help(
    usage='lerobot-ros dataset-viz FOLDER [--episode-index=N] [--key=value ...]',
    about=(
        "Shows an episode in rerun (pip install 'lerobot_ros[display]'): every camera, state "
        'and action over time.'
    ),
    examples=(
        'lerobot-ros dataset-viz --repo-id=me/pick --episode-index=-1',
        'lerobot-ros dataset-viz demo/so101_sim --save=1 --output-dir=demo',
    ),
    groups=(
        Group(
            'episode',
            lines={
                '--repo-id=USER/NAME': 'the dataset, or',
                '--root=FOLDER': 'its folder',
                '--episode-index=-1': 'which one; -1 is the newest, and if that is being '
                'recorded right now, what there is of it up to now',
            },
        ),
        Group('view', VizConfig),
    ),
    notes="""A browser (--mode=distant) is served on this machine alone. From another one:
ssh -L 9090:127.0.0.1:9090 -L 9876:127.0.0.1:9876 THIS_MACHINE""",
)


def run(arguments: Sequence[str]) -> int:
    """Run the command.

    Args:
        arguments: the command line after ``dataset-viz``.

    Raises:
        UsageError: flags that cannot be obeyed.
        ConfigError: rerun is not installed, or there is no screen.
        DatasetError: there is no such dataset or episode, or it cannot be read.
    """
    folder, flags = split_positional(arguments)
    sections = read_sections(flags, ('dataset', *SETTINGS), {'dataset': DATASET_KEYS})
    given = {name: sections[name] for name in SETTINGS if name in sections}
    config = build(VizConfig, given, 'dataset-viz')
    number = _number(sections)
    root = dataset_root(sections, folder)
    require_rerun('dataset-viz')
    if config.save and config.output_dir is None:
        raise UsageError('--save=1 needs --output-dir=FOLDER for the file')
    if not config.save and config.mode == 'local':
        check_screen('dataset-viz', 'write a file with --save=1 --output-dir=FOLDER')
    dataset, episode = find_episode(root, number)
    name = str(section_of(sections, 'dataset').get('repo_id') or root.resolve().name)
    file_name = f'{name.replace("/", "_")}_episode_{episode.index}.rrd'
    console = make_console(wraps=True)
    if config.save and config.output_dir is not None:
        target = config.output_dir.expanduser()
        try:
            target.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DatasetError(f'cannot make the folder {target}: {error.strerror}') from error
        write(console, dataset, episode, target / file_name, config)
        return 0
    with tempfile.TemporaryDirectory(prefix='lerobot_ros-') as temporary:
        path = Path(temporary, file_name)
        write(console, dataset, episode, path, config)
        return _show(console, path, config)


def find_episode(root: Path, number: int) -> tuple[DatasetReader | RunningDataset, EpisodeView]:
    """Return an episode and its dataset.

    Args:
        root: the dataset's folder.
        number: which; -1 for the newest, which may still be on its way.

    Raises:
        DatasetError: there is no such episode.
    """
    if number == NEWEST and (found := running(root)) is not None:
        return found, found.episode
    reader = DatasetReader(root)
    return reader, reader.episode(reader.num_episodes - 1 if number == NEWEST else number)


def write(
    console: Console,
    dataset: DatasetReader | RunningDataset,
    episode: EpisodeView,
    path: Path,
    config: VizConfig,
) -> None:
    """Write an episode as a file of rerun, and tell what it holds."""
    log = RerunLog(path.stem, config.display_compressed_images)
    log.save(path)
    with Progress(console=console, transient=True) as progress:
        bar = progress.add_task('reading', total=episode.length)
        rows = log_episode(
            log, dataset, episode, lambda done: progress.update(bar, completed=done)
        )
    log.close()
    state = ', still being recorded' if isinstance(dataset, RunningDataset) else ''
    console.print(
        f'episode {episode.index}{state}: {rows} frames, {rows / dataset.fps:.1f} s'
        + (f', in {path}' if config.save else ''),
        soft_wrap=True,
    )


def _show(console: Console, path: Path, config: VizConfig) -> int:
    arguments = [str(path)]
    if config.mode == 'distant':
        ports = ['--port', str(config.grpc_port), '--web-viewer-port', str(config.web_port)]
        arguments += ['--serve-web', *ports]
        source = quote(f'rerun+http://{LOOPBACK}:{config.grpc_port}/proxy', safe='')
        page = f'http://{LOOPBACK}:{config.web_port}?url={source}'
        console.print(f'{page} shows it; Ctrl-C ends it', soft_wrap=True)
    viewer = start_viewer(arguments)
    try:
        return viewer.wait()
    finally:
        viewer.terminate()
        viewer.wait()


def _number(sections: Section) -> int:
    number = section_of(sections, 'dataset').get('episode', NEWEST)
    if isinstance(number, bool) or not isinstance(number, int) or number < NEWEST:
        raise UsageError(f'--episode-index is a whole number, or -1, found {number!r}')
    return number
