"""``lerobot-ros transcode``: a copy of a dataset with its videos encoded anew."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.progress import Progress

from lerobot_drivers.common.command_line import make_console, read_sections, split_positional
from lerobot_drivers.common.config import build
from lerobot_drivers.common.errors import UsageError
from lerobot_recorder.commands.which_dataset import DATASET_KEYS, dataset_root
from lerobot_recorder.config import EncoderConfig
from lerobot_recorder.dataset import info
from lerobot_recorder.dataset.encoders import JPEG
from lerobot_recorder.dataset.transcode import transcode
from lerobot_recorder.encoder_choice import Need, resolve

KNOWN = ('dataset', 'to', 'rgb_encoder')
DEFAULT = 'libsvtav1'
HELP = """usage: lerobot-ros transcode FOLDER --to=NEW_FOLDER [--rgb_encoder.vcodec=libsvtav1 ...]

Writes a copy of a dataset with its videos encoded anew, AV1 as LeRobot does it by default. What
was there stays as it is; an interrupted call goes on where it was when it is given again.

  --dataset.repo_id=USER/NAME, --dataset.root=FOLDER     instead of FOLDER
  --rgb_encoder.{vcodec,preset,crf,g,pix_fmt,extra_options}"""


def run(arguments: Sequence[str]) -> int:
    """Run the command.

    Args:
        arguments: the command line after ``transcode``.

    Raises:
        UsageError: flags that cannot be obeyed.
        ConfigError: the encoder does not work.
        DatasetError: the dataset is not whole, or the new folder is there already.
    """
    folder, flags = split_positional(arguments)
    sections = read_sections(flags, KNOWN, {'dataset': DATASET_KEYS})
    root = dataset_root(sections, folder)
    if not sections.get('to'):
        raise UsageError('name the new folder with --to=NEW_FOLDER')
    encoder = build(EncoderConfig, sections.get('rgb_encoder') or {}, 'rgb_encoder')
    vcodec = encoder.vcodec or DEFAULT
    if vcodec == JPEG:
        raise UsageError('--rgb_encoder.vcodec=mjpeg is for recording topics that are JPEGs')
    document = info.read(root)
    need = Need.of(document['features'], int(document['fps']))
    config = resolve(vcodec, encoder.settings(), need)
    target = Path(str(sections['to'])).expanduser()
    console = make_console(wraps=True)
    with Progress(console=console, transient=True) as progress:
        bar = progress.add_task('encoding', total=None)
        frames = transcode(
            root, target, config, lambda done, of: progress.update(bar, completed=done, total=of)
        )
    console.print(f'{frames} frames encoded as {config.told()}, in {target}', soft_wrap=True)
    return 0
