"""How flags are spelt elsewhere: the guide's and LeRobot's words, and what becomes of them.

An alias means a flag of ours. A flag that cannot be obeyed is refused with the reason; the
reason is looked up only when nobody takes the flag, so an entry that became true does no harm.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping

from lerobot_drivers.common.errors import UsageError

ALIASES = {
    'repo_id': 'dataset.repo_id',
    'root': 'dataset.root',
    'fps': 'dataset.fps',
    'single_task': 'dataset.single_task',
    'num_episodes': 'dataset.num_episodes',
    'episode_index': 'dataset.episode',
    'robot_config_path': 'robot.config_path',
    'new_root': 'to',
    'teleop_config_path': 'teleop.config_path',
}
"""What stands without a section; dashes are underscores."""

_RATES = 'an arm runs at robot.rate_hz, its leader at teleop.rate_hz, cameras at their own fps'
_SPACEMOUSE = 'it belongs to the SpaceMouse, which is not built in yet'
_TELEOP_CAMERA = (
    'name it among --robot.cameras: {teleop_left: {type: reachy2_camera, name: teleop, '
    'image_type: left, ip_address: HOST, width: 640, height: 480, fps: 30}}'
)
_CHECKPOINT = "LeRobot's checkpoints are not built in yet; policies here are replay and scripted"
_DEPTH = 'depth is kept without loss, 12-bit HEVC; set depth_min, depth_max, shift, use_log'
_FOXGLOVE = 'it belongs to Foxglove; rerun takes --mode=distant, --grpc_port and --web_port'
_READER = 'there are no data loaders here: pictures are read one after the other'

REASONS: Mapping[str, str] = {
    'fps': _RATES,
    'host': _FOXGLOVE,
    'no_autoplay': _FOXGLOVE,
    'batch_size': _READER,
    'num_workers': _READER,
    'tolerance_s': 'rows lie on the grid of 1/fps; lerobot-ros validate checks that',
    'play_sounds': 'only record speaks',
    'policy': 'a policy drives in lerobot-ros record, with --control_mode=policy',
    'dataset.fps': 'a dataset has its rate; replay at another one is --policy.fps',
    'dataset.episodes': 'it says what is loaded to train; how many to record is num_episodes',
    **dict.fromkeys(
        (
            f'dataset.depth_encoder.{key}'
            for key in ('g', 'crf', 'preset', 'fast_decode', 'video_backend', 'extra_options')
        ),
        _DEPTH,
    ),
    **dict.fromkeys(
        (
            'robot.with_left_teleop_camera',
            'robot.with_right_teleop_camera',
            'robot.with_torso_camera',
            'robot.camera_width',
            'robot.camera_height',
        ),
        _TELEOP_CAMERA,
    ),
    'teleop.control_mode': _SPACEMOUSE,
    'teleop.cameras': 'cameras belong to the robot: --robot.cameras',
    'policy.device': _CHECKPOINT,
    'policy.repo_id': _CHECKPOINT,
    'policy.pretrained_path': _CHECKPOINT,
    'robot.port_zmq_cmd': 'robots behind a network socket are not built in yet',
}


def respelt(name: str, known: Collection[str]) -> str:
    """Return a flag that stands without a section as this project spells it.

    Args:
        name: as it was typed, without the dashes before it.
        known: names of the sections and top-level flags the command understands.
    """
    plain = name.replace('-', '_')
    if plain in known:
        return plain
    target = ALIASES.get(plain, '')
    return target if target.partition('.')[0] in known else name


def reason(key: str) -> str | None:
    """Return why a flag cannot be obeyed, None if nothing is known of it.

    Args:
        key: its dotted name; what lies below a dotted name that is refused is refused with it.
    """
    if key in REASONS or '.' not in key:
        return REASONS.get(key)
    above = key.rpartition('.')[0]
    return reason(above) if '.' in above else None


def nearest(name: str, known: Collection[str], dashes: str = '') -> str:
    """Return which other name may have been meant, to go behind this one, or nothing.

    Args:
        name: its last part is compared, what stands before it is no likeness.
        known: the names there are.
        dashes: what stands before a name when it is typed.
    """
    lasts = {key.rpartition('.')[2]: key for key in known}
    found = difflib.get_close_matches(name.rpartition('.')[2], list(lasts), 1, 0.6)
    return f' (did you mean {dashes}{lasts[found[0]]}?)' if found else ''


def unknown_flag(name: str, known: Collection[str]) -> UsageError:
    """Return the error for a flag that a command does not take."""
    plain = name.replace('-', '_')
    why = reason(plain)
    if why is not None:
        return UsageError(f'--{name} is not taken here: {why}')
    listed = ', '.join(f'--{key}' for key in known)
    meant = nearest(plain, known, '--')
    return UsageError(f'unknown flag --{name}{meant}; known: {listed}')
