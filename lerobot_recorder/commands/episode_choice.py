"""Which episodes are meant: by number, by range, by share."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

import numpy as np

from lerobot_drivers.common.errors import UsageError

_RANGE = re.compile(r'(\d+)-(\d+)')
_SUM_SLACK = 1e-6


def numbers(told: object, total: int, flag: str) -> list[int]:
    """Return the numbers of episodes, rising, each once.

    Args:
        told: A number, a range such as `3-5` (both ends are meant), or a list of those; also as
            text with commas between.
        total: How many episodes there are.
        flag: Where it was said, for messages.

    Raises:
        UsageError: it is none of these, or there is no such episode.
    """
    parts = told if isinstance(told, list) else str(told).split(',')
    found = {number for part in parts for number in _numbers(part, flag)}
    odd = sorted(number for number in found if not 0 <= number < total)
    if odd:
        raise UsageError(f'{flag} names episode {odd[0]}; there are 0 to {total - 1}')
    if not found:
        raise UsageError(f'{flag} names no episode')
    return sorted(found)


def _numbers(part: object, flag: str) -> range:
    match = _RANGE.fullmatch(str(part).strip())
    if match:
        first, last = int(match[1]), int(match[2])
        if last < first:
            raise UsageError(f'{flag}: {part} runs backwards')
        return range(first, last + 1)
    if isinstance(part, bool) or not str(part).strip().isdigit():
        raise UsageError(f'{flag}: {part!r} is no number of an episode, and no range such as 3-5')
    return range(int(str(part)), int(str(part)) + 1)


def parts(splits: object, total: int, seed: int | None = None) -> dict[str, list[int]]:
    """Return the episodes of each part of a dataset.

    Args:
        splits: Name -> share of all episodes, or name -> episodes. Shares are rounded down, the
            last one gets what is left if they are all there is (as LeRobot has it).
        total: How many episodes there are.
        seed: Shares are of episodes in an order that is drawn with it; None: of them in order.

    Raises:
        UsageError: they cannot be obeyed.
    """
    if not isinstance(splits, Mapping) or not splits:
        raise UsageError(f'--splits is like {{train: 0.8, val: 0.2}}, found {splits!r}')
    named = {str(name): told for name, told in splits.items()}
    if None in named.values():
        raise UsageError('--splits: a space comes behind each colon, {train: 0.8, val: 0.2}')
    for name in named:
        if not name or name.startswith('.') or '/' in name:
            raise UsageError(f'--splits: {name!r} cannot be the name of a folder')
    shares = [told for told in named.values() if isinstance(told, float)]
    if shares and len(shares) == len(named):
        return _shared({name: float(str(told)) for name, told in named.items()}, total, seed)
    if shares:
        raise UsageError('--splits has shares and episodes; give shares of all or lists of all')
    if seed is not None:
        raise UsageError('--seed is for shares; episodes that are named are not drawn')
    found = {name: numbers(told, total, f'--splits: {name}') for name, told in named.items()}
    _check_apart(found)
    return found


def _shared(shares: Mapping[str, float], total: int, seed: int | None) -> dict[str, list[int]]:
    whole = sum(shares.values())
    if min(shares.values()) <= 0 or not whole <= 1 + _SUM_SLACK:
        raise UsageError(f'--splits: shares are above 0 and together at most 1, found {whole:g}')
    order = list(range(total))
    if seed is not None:
        order = [int(number) for number in np.random.default_rng(seed).permutation(total)]
    counts = [math.floor(total * share + _SUM_SLACK) for share in shares.values()]
    if whole > 1 - _SUM_SLACK:
        counts[-1] = total - sum(counts[:-1])
    found, start = {}, 0
    for name, count in zip(shares, counts, strict=True):
        if not count:
            raise UsageError(f'--splits: {name} would get none of {total} episodes')
        found[name] = sorted(order[start : start + count])
        start += count
    return found


def _check_apart(found: Mapping[str, Sequence[int]]) -> None:
    owner: dict[int, str] = {}
    for name, episodes in found.items():
        for number in episodes:
            other = owner.setdefault(number, name)
            if other != name:
                raise UsageError(f'--splits: episode {number} is in {other} and in {name}')
