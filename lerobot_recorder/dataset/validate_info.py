"""Checks of info.json alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lerobot_recorder.dataset import layout, schema
from lerobot_recorder.dataset.finding import Findings

_KNOWN_KEYS = {
    'codebase_version', 'fps', 'features', 'total_episodes', 'total_frames', 'total_tasks',
    'chunks_size', 'data_files_size_in_mb', 'video_files_size_in_mb', 'data_path', 'video_path',
    'robot_type', 'splits', 'tools', 'storage_format', 'total_chunks', 'total_videos',
}  # fmt: skip
_FEATURE_KEYS = {'dtype', 'shape', 'names', 'info', 'fps', 'video_info'}
_BLOCK_PREFIXES = ('video.', 'audio.', 'has_audio', 'is_depth_map', 'depth_unit')
_NO_MERGE = 'none; LeRobot refuses to merge such a dataset with others'


def check(document: Mapping[str, Any], findings: Findings) -> None:
    """Check the keys, their types and the feature entries."""
    fps = document['fps']
    if isinstance(fps, bool) or not isinstance(fps, int) or fps < 1:
        expected = "a whole number above 0; LeRobot's resume fails in the encoder"
        findings.error(layout.INFO, f'fps {fps!r}', expected)
    for key in sorted(set(document) - _KNOWN_KEYS):
        findings.warning(layout.INFO, f'unknown key {key!r}', 'none; LeRobot drops it')
    _check_paths(document, findings)
    episodes = document.get('total_episodes', 0)
    if document.get('splits') not in ({}, None, {'train': f'0:{episodes}'}):
        findings.warning(layout.INFO, f'splits {document["splits"]}', f'train: 0:{episodes}')
    for key, feature in document['features'].items():
        _check_feature(key, feature, findings)
    _check_defaults(document['features'], findings)


def _check_paths(document: Mapping[str, Any], findings: Findings) -> None:
    has_video = any(f.get('dtype') == 'video' for f in document['features'].values())
    templates = {'data_path': layout.DATA_PATH}
    if has_video:
        templates['video_path'] = layout.VIDEO_PATH
    for key, template in templates.items():
        found = document.get(key, template)
        if found != template:
            findings.error(layout.INFO, f'{key} {found!r}', f'{template!r}; merging needs it')


def _check_feature(key: str, feature: Any, findings: Findings) -> None:
    where = f'{layout.INFO} feature {key!r}'
    if not isinstance(feature, dict) or not {'dtype', 'shape'} <= set(feature):
        findings.error(where, feature, 'an object with dtype, shape and names')
        return
    if '/' in key:
        findings.error(where, 'a "/" in the name', 'none; LeRobot refuses it')
    if key not in schema.DEFAULT_FEATURES:
        bare = {k: v for k, v in feature.items() if k in ('dtype', 'shape', 'names')}
        depth = (feature.get('info') or {}).get('is_depth_map')
        problem = None if depth or feature['dtype'] == 'language' else _problem(key, bare)
        if problem:
            findings.error(where, problem, 'a feature that LeRobot knows')
    for extra in sorted(set(feature) - _FEATURE_KEYS):
        findings.warning(where, f'private key {extra!r}', _NO_MERGE)
    if feature['dtype'] == 'video':
        _check_block(where, feature.get('info'), findings)
    elif isinstance(feature.get('names'), dict):
        findings.warning(where, 'names is an object', 'a flat list; replaying needs it')


def _problem(key: str, feature: dict[str, Any]) -> str | None:
    try:
        return schema.feature_problem(key, feature)
    except (TypeError, ValueError) as error:
        return str(error)


def _check_block(where: str, block: Any, findings: Findings) -> None:
    if not block:
        findings.warning(where, 'no info block', 'one; merging compares it')
        return
    for extra in sorted(key for key in block if not key.startswith(_BLOCK_PREFIXES)):
        findings.warning(where, f'private key {extra!r} in info', _NO_MERGE)


def _check_defaults(features: Mapping[str, Any], findings: Findings) -> None:
    for key, expected in schema.DEFAULT_FEATURES.items():
        found = features.get(key)
        if not isinstance(found, dict):
            findings.error(layout.INFO, f'no feature {key!r}', expected)
        elif (found.get('dtype'), list(found.get('shape', []))) != (
            expected['dtype'],
            expected['shape'],
        ):
            findings.error(layout.INFO, f'feature {key!r} is {found}', expected)
