"""Whether an episode is good enough to train on: one word, with the reasons.

=================  ======================================  =========  =================
what               share or amount                         usable     bad
=================  ======================================  =========  =================
repeats            rows that show a picture again, of all  over 1 %   10 %
encoder repeats    the same, the encoder being behind      over 1 %   10 %
held               rows over a gap in a sensor's numbers   over 1 %   10 %
lost               messages that never came, of those sent over 1 %   10 %
doubtful stamps    stamps not believed, of those received  over 1 %   10 %
late               samples behind their row, of received   over 1 %   10 %
unusable           messages nobody can read, of received   over 1 %   10 %
slow               seconds in which a camera was slower    over 10 %  50 %
skew               furthest a sensor lay from its row      0.15 s     0.5 s, and 2 rows
clock jumps        times a stream's clock was set          1          never
ended              the take ended before its time          yes        never
=================  ======================================  =========  =================

The shares are those of the worst stream: one bad camera spoils an episode.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from lerobot_drivers.common.clock import NS_PER_S

SOME, MANY = 0.01, 0.1
"""Shares of a stream's rows or messages above which an episode is only usable, or bad."""
SLOW_SOME, SLOW_MANY = 0.1, 0.5
"""Shares of its seconds."""
SKEW_SOME_NS, SKEW_MANY_NS = 150_000_000, 500_000_000
"""Distances of a value from its row [ns]."""

TOLD_REASONS = 3
OBSERVATION, IMAGES = 'observation.', 'images.'


class Grade(IntEnum):
    """How good an episode is, worst last."""

    GOOD = 0
    USABLE = 1
    BAD = 2

    @property
    def word(self) -> str:
        """The grade as it is told and kept."""
        return self.name.lower()


@dataclass(frozen=True)
class Verdict:
    """What an episode is worth.

    Attributes:
        grade: the word.
        reasons: why it is not better, worst first.
    """

    grade: Grade
    reasons: tuple[str, ...] = ()

    @property
    def told(self) -> str:
        """The word, with the worst of its reasons."""
        if not self.reasons:
            return self.grade.word
        worst = [reason.removeprefix(OBSERVATION) for reason in self.reasons[:TOLD_REASONS]]
        worst = [reason.removeprefix(IMAGES) for reason in worst]
        more = len(self.reasons) - len(worst)
        return f'{self.grade.word} ({"; ".join(worst)}{f"; {more} more" if more else ""})'

    def details(self) -> dict[str, Any]:
        """Return it as the episode's record keeps it."""
        return {'grade': self.grade.word, 'reasons': list(self.reasons)}


def judge(
    streams: Mapping[str, Mapping[str, Any]], rows: int, fps: int, ended: str | None = None
) -> Verdict:
    """Return the verdict on an episode.

    Args:
        streams: stream -> its figures, as ``Take.report`` gives them.
        rows: rows of the episode.
        fps: rows per second.
        ended: why it ended before its time, None if it did not.
    """
    found = [
        (grade, f'{stream}: {text}')
        for stream, figures in streams.items()
        for grade, text in _findings(figures, rows, fps)
        if grade is not Grade.GOOD
    ]
    if ended is not None:
        found.append((Grade.USABLE, f'ended early: {ended}'))
    found.sort(key=lambda one: -one[0])
    grade = max((grade for grade, _ in found), default=Grade.GOOD)
    return Verdict(grade, tuple(text for _, text in found))


def _findings(figures: Mapping[str, Any], rows: int, fps: int) -> Iterator[tuple[Grade, str]]:
    received = figures['received']
    sent = received + figures['lost']
    doubtful = figures['absurd_stamps'] + figures['lying_stamps']
    yield _share(figures['repeats'], rows, 'of its pictures are repeats')
    yield _share(figures['encoder_repeats'], rows, 'repeated, its encoder was behind')
    yield _share(figures['lost'], sent, 'lost on the way')
    yield _share(doubtful, received, 'of its stamps are doubtful')
    yield _share(figures['late'], received, 'came too late for their row')
    yield _share(figures['unusable'], received + figures['unusable'], 'unusable messages')
    yield _grade(
        figures['slow_seconds'] / max(rows / fps, 1.0),
        (SLOW_SOME, SLOW_MANY),
        f'slower than usual for {figures["slow_seconds"]} s',
    )
    if figures['clock_jumps']:
        yield Grade.USABLE, f'its clock was set (times: {figures["clock_jumps"]})'
    if figures['is_sensor']:  # a command holds, however old it is
        yield _share(figures['held'], rows, 'held over gaps')
        gap_ns = figures['longest_gap_ns']
        text = f'up to {gap_ns / NS_PER_S:.2f} s from its row'
        two_rows_ns = 2 * NS_PER_S / fps
        bounds = (max(SKEW_SOME_NS, two_rows_ns), max(SKEW_MANY_NS, two_rows_ns))
        yield _grade(gap_ns, bounds, text)


def _share(number: int, of: int, what: str) -> tuple[Grade, str]:
    share = number / max(of, 1)
    return _grade(share, (SOME, MANY), f'{share:.1%} {what}')


def _grade(amount: float, bounds: tuple[float, float], text: str) -> tuple[Grade, str]:
    return Grade(sum(amount > bound for bound in bounds)), text
