"""What becomes of the takes of a bag: episodes that are durable, or reasons why not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from lerobot_drivers.common.errors import BagError, LerobotRosError
from lerobot_recorder.conversion.result import ConvertedEpisode
from lerobot_recorder.conversion.span import EpisodeSpan, Skipped, too_short
from lerobot_recorder.dataset.dataset_writer import DatasetWriter, PendingEpisode
from lerobot_recorder.take import Take

Source = Callable[[EpisodeSpan, 'Take | None'], dict[str, object]]
"""Span, and its take once that is over -> what the record tells of where it comes from."""


class Keeper:
    """Keeps takes that hold something, and drops the others.

    Args:
        writer: of the dataset.
        least_s: what is shorter is dropped [s].

    Attributes:
        skipped: what was dropped.
        errors: what made takes fail.
    """

    def __init__(self, writer: DatasetWriter, least_s: float = 0.0) -> None:
        self.skipped: list[Skipped] = []
        self.errors: list[LerobotRosError] = []
        self._writer = writer
        self._least_s = least_s
        self._kept: list[tuple[PendingEpisode, ConvertedEpisode]] = []

    def close(
        self, take: Take, span: EpisodeSpan, source: Source, error: LerobotRosError | None = None
    ) -> None:
        """Save a take, or drop it.

        Args:
            take: has got all its messages.
            span: the part of the bag it is of.
            source: tells where it comes from.
            error: what ended it, None if nothing did.

        Raises:
            DatasetError: the disk refused this one, or one before it.
        """
        take.finish()
        length_s = take.seconds(take.num_frames)
        if not take.num_frames:
            self.fail(span, error or BagError(self._why_empty(take)))
        elif length_s < self._least_s:
            self._drop(span, too_short(length_s, self._least_s))
        else:
            self._save(take, span, source(span, take))
        self._check()

    def fail(self, span: EpisodeSpan, error: LerobotRosError) -> None:
        """Drop a take of which there is no row."""
        self.errors.append(error)
        self._drop(span, str(error))

    def episodes(self) -> list[ConvertedEpisode]:
        """Return what was kept, once all of it is durable.

        Raises:
            DatasetError: the disk refused one.
        """
        return [replace(episode, index=pending.wait().index) for pending, episode in self._kept]

    def _save(self, take: Take, span: EpisodeSpan, source: dict[str, object]) -> None:
        outcome = span.outcome or ('incomplete' if take.lost or take.ended else None)
        take.tell_at_end(source)
        verdict, silent = take.verdict(), f'{take.lost} fell silent' if take.lost else None
        pending = take.accept(outcome)
        assert take.origin_ns is not None
        told = ConvertedEpisode(
            -1, take.uuid, take.num_frames, take.seconds(take.num_frames), take.origin_ns,
            take.task, outcome, verdict.told, take.defects(), take.report(), take.ended or silent,
        )  # fmt: skip
        self._kept.append((pending, told))

    def _drop(self, span: EpisodeSpan, reason: str) -> None:
        self._writer.discard_episode()
        self.skipped.append(Skipped(span, reason))

    def _check(self) -> None:
        """Notice at once what could not be saved."""
        for pending, _ in self._kept:
            pending.poll()

    @staticmethod
    def _why_empty(take: Take) -> str:
        waiting = take.waiting_for()
        if waiting:
            return f'no usable message on {", ".join(waiting)}'
        return 'its streams have no common time'
