"""At which stamps the rows of an episode know what a topic said, so that rows can be made again.

A synchronizer that is given these samples takes what it took before: every row finds
a sample exactly where it looks, and none lies where the row would prefer it to its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lerobot_recorder.mapping import MappingConfig, is_image_feature
from lerobot_recorder.streams import Flag, Take
from lerobot_recorder.synchronizer import SyncMode
from lerobot_recorder.to_bag.outline import CameraPart, NumberPart, Stamps, Times

BEYOND_SLIP = 0.9
"""A picture so far behind its tick is not taken, even where clocks have drifted [periods]."""
Values = NDArray[np.float32]


@dataclass(frozen=True)
class Sample:
    """What a topic said at one time.

    Attributes:
        stamp_ns: its acquisition stamp, latency taken off [ns].
        log_ns: when it arrived, as far as rows can tell, latency taken off [ns].
        row: the row that holds it.
        slot: which slot of the row's window, None where rows have none.
    """

    stamp_ns: int
    log_ns: int
    row: int
    slot: int | None = None


def found_again(times: Times, mapping: MappingConfig) -> Stamps:
    """Return at which time a synchronizer takes the numbers of each row again [ns].

    The same as it was, save where an encoder was behind: that camera's picture is not there.
    """
    images = [key for key in mapping.features if is_image_feature(key)]
    reference = mapping.reference or (images[0] if images else '')
    if reference not in times.stamps or mapping.mode is SyncMode.AS_SEEN:
        return times.target_ns
    targets = times.target_ns.copy()
    phase_ns = 0
    stamps, flags = times.stamps[reference], times.flags[reference]
    for row, (tick_ns, stamp_ns, flag) in enumerate(
        zip(times.tick_ns.tolist(), stamps.tolist(), flags.tolist(), strict=True)
    ):
        if flag == Flag.FRESH.value:
            phase_ns = stamp_ns - tick_ns
        targets[row] = stamp_ns if flag == Flag.SLIP.value else tick_ns + phase_ns
    return np.asarray(targets)


def samples_of(
    part: NumberPart, values: Values, times: Times, targets: Stamps, mode: SyncMode
) -> list[Sample]:
    """Return the samples of a topic that rows hold, in the order of their arrival.

    Args:
        part: what the rows hold of it.
        values: of the rows, shape (rows, elements) or (rows, slots, elements).
        times: of the rows.
        targets: when the rows look for numbers [ns].
        mode: how they were synchronised.
    """
    if part.window is not None:
        found = list(_of_windows(part, times, targets))
    elif mode is SyncMode.AS_SEEN:
        found = list(_as_seen(part, times))
    else:
        found = list(_aligned(part, values, times, targets))
        if not part.may_be_silent and not times.is_fresh(part.stream)[-1]:
            held_ns = int(times.stamps_of(part.stream)[-1])
            found.append(_closing(max(held_ns + part.tolerance_ns, int(targets[-1])) + 1, times))
    return sorted(found, key=lambda sample: sample.log_ns)


def pictures_of(part: CameraPart, times: Times, mode: SyncMode) -> list[Sample]:
    """Return the pictures of a camera that rows hold: each once, however often it was repeated."""
    if mode is SyncMode.AS_SEEN:
        return list(_as_seen(part, times))
    stamps = times.stamps_of(part.feature).tolist()
    found = [
        Sample(stamps[row], stamps[row], row)
        for row in range(len(stamps))
        if row == 0 or stamps[row] != stamps[row - 1]
    ]
    if not part.may_be_silent and not times.is_fresh(part.feature)[-1]:
        beyond_ns = round(BEYOND_SLIP * times.period_ns)
        found.append(_closing(int(times.tick_ns[-1]) + beyond_ns, times))
    return found


def _closing(at_ns: int, times: Times) -> Sample:
    """Return a sample behind the last row, which holds what was older: again what that was.

    A synchronizer makes no row of what may have ended; that it went on is all this says.
    """
    return Sample(at_ns, at_ns, len(times.tick_ns) - 1)


def _as_seen(part: NumberPart | CameraPart, times: Times) -> Iterator[Sample]:
    stream = part.stream if isinstance(part, NumberPart) else part.feature
    fresh, offset_ns = times.is_fresh(stream), part.offset_ns
    rows = np.flatnonzero(fresh)
    stamps, ticks = times.stamps_of(stream)[rows] + offset_ns, times.tick_ns
    # It came after the row before looked; else all are as late as suits most of them.
    earliest = np.where(rows > 0, ticks[rows - 1] + 1, 0)
    late_ns = int(np.median(np.maximum(earliest - stamps, 0)))
    arrived = np.clip(stamps + late_ns, earliest, ticks[rows])
    for row, stamp_ns, log_ns in np.stack(
        [rows, stamps - offset_ns, arrived - offset_ns], 1
    ).tolist():
        yield Sample(stamp_ns, log_ns, row)
    if not fresh[-1] and not part.may_be_silent:
        yield _closing(int(ticks[-1]) - offset_ns + 1, times)


def _aligned(part: NumberPart, values: Values, times: Times, targets: Stamps) -> Iterator[Sample]:
    stamps, fresh = times.stamps_of(part.stream).tolist(), times.is_fresh(part.stream).tolist()
    wanted, was_wanted = targets.tolist(), times.target_ns.tolist()
    is_line = part.take is Take.INTERPOLATE
    known: dict[int, int] = {}

    def add(stamp_ns: int, row: int) -> Iterator[Sample]:
        if stamp_ns not in known:
            known[stamp_ns] = row
            yield Sample(stamp_ns, stamp_ns, row)

    for row, stamp_ns in enumerate(stamps):
        is_own = is_line and fresh[row] and stamp_ns == was_wanted[row]
        at_ns = wanted[row] if is_own else stamp_ns
        yield from add(at_ns, row)
        if not np.array_equal(values[known[at_ns]], values[row], equal_nan=True):
            yield from add(wanted[row], row)  # messages of a part of the joints came between
        elif is_line and not fresh[row] and _would_be_bridged(part, row, stamps, wanted):
            yield from add(wanted[row], row)


def _would_be_bridged(part: NumberPart, row: int, stamps: list[int], wanted: list[int]) -> bool:
    """Return whether a line would be drawn over a row at which the last value was held."""
    after = next(
        (later for later in range(row, len(stamps)) if stamps[later] != stamps[row]), None
    )
    return after is not None and wanted[after] - stamps[row] <= part.tolerance_ns


def _of_windows(part: NumberPart, times: Times, targets: Stamps) -> Iterator[Sample]:
    assert part.window is not None
    back = part.window.before_end_ns().tolist()
    newest = times.stamps_of(part.stream).tolist()
    known: set[int] = set()
    for row, target_ns in enumerate(targets.tolist()):
        for slot, back_ns in enumerate(back):
            is_last = slot == len(back) - 1
            at_ns = newest[row] if is_last else target_ns - back_ns
            at_ns = max(at_ns, target_ns - back[-2] + 1) if is_last and slot else at_ns
            if at_ns not in known:
                known.add(at_ns)
                yield Sample(at_ns, at_ns, row, slot)
