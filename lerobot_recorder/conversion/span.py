"""The part of a bag that is to become an episode."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from lerobot_drivers.common.clock import NS_PER_S


@dataclass(frozen=True)
class EpisodeSpan:
    """A part of a bag.

    Attributes:
        start_ns: no row lies before this acquisition time [ns].
        end_ns: no row lies after this acquisition time [ns].
        task: what the robot was told, None if nothing in the bag says.
        outcome: success, failure, None if nothing in the bag says.
        where: what it was found by, for people.
    """

    start_ns: int
    end_ns: int
    task: str | None = None
    outcome: str | None = None
    where: str = ''

    @property
    def duration_s(self) -> float:
        """How long it is [s]."""
        return (self.end_ns - self.start_ns) / NS_PER_S

    def within(self, start_ns: int, end_ns: int) -> EpisodeSpan:
        """Return the part of it that lies between two times [ns]; it may be empty."""
        return replace(
            self, start_ns=max(self.start_ns, start_ns), end_ns=min(self.end_ns, end_ns)
        )


@dataclass(frozen=True)
class Skipped:
    """A part of a bag that became no episode.

    Attributes:
        span: which.
        reason: why not.
        is_done: it is an episode of the dataset already.
    """

    span: EpisodeSpan
    reason: str
    is_done: bool = False


@dataclass(frozen=True)
class Spans:
    """What a bag is cut into.

    Attributes:
        spans: the parts that are to become episodes, in order; no two overlap.
        skipped: those that are not.
        notices: what else is worth telling.
    """

    spans: tuple[EpisodeSpan, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    notices: tuple[str, ...] = ()

    def limited(self, start_ns: int, end_ns: int, min_length_s: float) -> Spans:
        """Return what is left between two times [ns], and is long enough [s]."""
        kept: list[EpisodeSpan] = []
        skipped = list(self.skipped)
        for span in self.spans:
            part = span.within(start_ns, end_ns)
            if part.end_ns < part.start_ns:
                skipped.append(Skipped(span, 'it lies outside --start_s and --end_s'))
            elif part.duration_s < min_length_s:
                skipped.append(Skipped(part, too_short(part.duration_s, min_length_s)))
            else:
                kept.append(part)
        return replace(self, spans=tuple(kept), skipped=tuple(skipped))


def too_short(duration_s: float, least_s: float) -> str:
    """Return the reason for leaving out what is too short [s]."""
    return f'{duration_s:.2f} s, shorter than --episodes.min_length_s={least_s:g}'


def in_order(spans: Iterable[EpisodeSpan]) -> Sequence[EpisodeSpan]:
    """Return spans by their begin."""
    return sorted(spans, key=lambda span: (span.start_ns, span.end_ns))
