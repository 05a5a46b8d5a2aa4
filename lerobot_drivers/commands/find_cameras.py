"""``lerobot-ros find-cameras``: which cameras there are, with a picture of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from lerobot_drivers.common.clock import SystemClock
from lerobot_drivers.common.command_line import (
    make_console,
    read_sections,
    seconds,
    split_positional,
)
from lerobot_drivers.common.config import Section
from lerobot_drivers.common.errors import DeviceError, UsageError
from lerobot_drivers.setup_tools.camera_search import (
    FoundCamera,
    device_cameras,
    last_picture,
    save_picture,
    sim_cameras,
)
from lerobot_drivers.sim.address import SCHEME

KNOWN = ('output_dir', 'record_time_s', 'warmup_s')
HELP = """usage: lerobot-ros find-cameras [opencv | sim://WORLD] [--record_time_s=2]

Lists the cameras of this machine (or of a simulated world), with what to give as index_or_path,
and saves a picture of each. Exit code 1 if there is none, or one gives no picture.

  --output_dir=FOLDER          where pictures go (outputs/captured_images)
  --record_time_s=SECONDS      how long to look through each (2); the last picture is kept
  --warmup_s=SECONDS           how long to let it adapt to the light first (1)"""
_NO_CAMERA = (
    'no camera was found; plug one in, see that no other program uses it, and that you may open '
    'it: lerobot-ros doctor'
)


def run(arguments: Sequence[str]) -> int:
    """Run the command; exit code 1 if a camera gives no picture.

    Args:
        arguments: the command line after ``find-cameras``.

    Raises:
        UsageError: flags that cannot be obeyed.
        DeviceError: there is no camera, or a picture cannot be written.
    """
    kind, flags = split_positional(arguments)
    sections = read_sections(flags, KNOWN)
    folder = Path(str(sections.get('output_dir', 'outputs/captured_images'))).expanduser()
    looking_s = _seconds(sections, 'record_time_s', 2.0)
    warmup_s = _seconds(sections, 'warmup_s', 1.0)
    console, clock, failed = make_console(), SystemClock(), 0
    found, denied = _search(kind)
    for line in denied:
        console.print(line)
    if not found:
        raise DeviceError(_NO_CAMERA)
    for number, camera in enumerate(found):
        console.print(f'camera {number}: {camera}')
        warm = replace(camera.config, warmup_s=warmup_s)
        path = folder / camera.file_name
        try:
            image = last_picture(replace(camera, config=warm), looking_s, clock)
        except DeviceError as error:
            failed += 1
            console.print(f'  no picture: {error}')
        else:
            save_picture(image, path)
            console.print(f'  {path}')
    return 1 if failed or denied else 0


def _seconds(sections: Section, name: str, default: float) -> float:
    given = seconds(sections, name)
    return default if given is None else given


def _search(kind: str | None) -> tuple[list[FoundCamera], list[str]]:
    if kind in (None, 'opencv'):
        return device_cameras()
    assert kind is not None
    if kind.startswith(SCHEME):
        return sim_cameras(kind.removeprefix(SCHEME).rstrip('/')), []
    told = ' (RealSense cameras show as opencv ones too)' if kind == 'realsense' else ''
    raise UsageError(f'opencv or sim://WORLD is expected, found {kind!r}{told}')
