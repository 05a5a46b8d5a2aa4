"""Whether cameras show anything, and anything new."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lerobot_drivers.common.health import Level
from lerobot_recorder.disagreements.signals import Scenes
from lerobot_recorder.findings import Finding

FEW = 5
DARK = 16.0
"""A picture with nothing brighter is black [0..255]."""
FLAT = 2.0
REPEATED = 0.2


def check_pictures(scenes: Sequence[Scenes]) -> Iterator[Finding]:
    """Yield what is odd about the pictures of cameras."""
    for one in scenes:
        yield from _sight(one)
        yield from _repeats(one)


def _sight(one: Scenes) -> Iterator[Finding]:
    subject = f'{one.feature} {one.topic}'
    if one.spreads and one.brightest <= DARK:
        text = f'its pictures are black (nothing brighter than {one.brightest:.0f} of 255)'
        yield Finding(Level.WARN, subject, text, 'a lens cap, no light, or no exposure')
    elif one.spreads and max(one.spreads) <= FLAT:
        text = 'its pictures are of one colour'
        yield Finding(Level.WARN, subject, text, 'look at its driver')


def _repeats(one: Scenes) -> Iterator[Finding]:
    subject = f'{one.feature} {one.topic}'
    if one.compared < FEW or one.repeated < REPEATED * one.compared:
        return
    if one.is_still:
        text, advice = 'every picture is the same one', 'is it frozen? Leave it out'
    else:
        text = (
            f'{one.repeated} of its first {one.compared + 1} pictures are the one before, '
            'stamped anew'
        )
        advice = 'its driver repeats pictures: lower --dataset.fps to what it really makes'
    yield Finding(Level.WARN, subject, text, advice)
