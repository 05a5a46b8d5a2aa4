"""How a take begins and how it ends, with all who go along."""

from __future__ import annotations

from lerobot_drivers.common.errors import DatasetError
from lerobot_recorder.companion import Companion
from lerobot_recorder.marks import Marks
from lerobot_recorder.recent_messages import RecentMessages
from lerobot_recorder.session_episodes import Accepted
from lerobot_recorder.take import Take


def begin_take(take: Take, recent: RecentMessages, start_ns: int, companions: Companion) -> None:
    """Give a take what came before it, and what has come since its start.

    Args:
        take: has heard nothing yet.
        recent: the last messages of all topics.
        start_ns: arrival time of its start, which lies back where there is a pre-roll [ns].
        companions: hear the same.
    """
    before, since = recent.split(start_ns)
    with take.heard_before():
        take.seed(before)
        companions.begin_episode(take.uuid, take.task)
        for raw in [*before, *since]:
            companions.on_message(raw)
        for raw in since:
            take.add(raw)
    if since:
        take.preroll_rows = take.rows(since[-1].received_ns - start_ns)


def accept_take(take: Take, marks: Marks, fps: int, companions: Companion) -> Accepted:
    """Close a take that is kept; its record tells what was said, and what companions tell.

    Raises:
        DatasetError: the disk refused.
    """
    take.write_due()
    outcome = marks.outcome or ('incomplete' if take.lost or take.ended else None)
    take.tell({**marks.details(take.origin_ns, fps, take.num_frames), **companions.details()})
    notes, answers = tuple(marks.notes), tuple(marks.answers)
    verdict = take.verdict()
    try:
        pending = take.accept(outcome)
    except DatasetError as error:
        marks.give(False, str(error))
        raise
    return Accepted(pending, outcome, take.defects(), verdict, why(take), notes, answers)


def why(take: Take) -> str:
    """Return why a take ended before its time, to be told behind something else."""
    silent = [f'{take.lost} fell silent'] if take.lost else []
    return ''.join(f'; {reason}' for reason in [*silent, *filter(None, [take.ended])])


def encoder_warning(take: Take) -> str:
    """Return the line for the operator whose encoders are behind."""
    return (
        f'{", ".join(take.encoders_behind)}: the encoder cannot keep up, pictures are '
        'repeated; choose a faster dataset.rgb_encoder.preset or fewer or smaller cameras'
    )
