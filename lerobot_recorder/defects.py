"""What was not as it should be in an episode, by kind."""

from __future__ import annotations

from collections.abc import Mapping

from lerobot_recorder.row_plan import RowPlan
from lerobot_recorder.streams import StreamCounts


def defects_of(
    plan: RowPlan, counts: Mapping[str, StreamCounts], encoder_repeats: int
) -> dict[str, int]:
    """Return kind -> how often, none of it zero.

    Args:
        plan: of the rows; its channels tell of the messages.
        counts: stream -> what happened on it.
        encoder_repeats: pictures repeated because an encoder was behind.
    """
    channels = plan.all_channels()
    streams = [(channel, counts[channel.stream]) for channel in channels]
    lost = {channel.source.topic: channel.lost for channel in channels}
    total = {
        'encoder_repeats': encoder_repeats,
        'repeats': sum(stream.repeats for _, stream in streams),
        'slips': sum(stream.slips + stream.skip_slips for _, stream in streams),
        'held': sum(stream.held for channel, stream in streams if not channel.may_be_silent),
        'late': sum(stream.late for _, stream in streams),
        'unusable': sum(channel.errors for channel in channels),
        'doubtful_stamps': sum(channel.stamps.counts.doubtful for channel in channels),
        'clock_jumps': sum(channel.stamps.counts.clock_jumps for channel in channels),
        'slow_seconds': sum(plan.slow_seconds(channel) for channel in channels),
        'lost': sum(lost.values()),
    }
    return {kind: number for kind, number in total.items() if number}
