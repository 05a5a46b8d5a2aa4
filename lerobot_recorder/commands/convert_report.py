"""What ``convert`` tells of a bag: before, of what it holds; after, of what became of it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from lerobot_drivers.common.clock import FOREVER_NS, NS_PER_S
from lerobot_drivers.common.health import Level
from lerobot_recorder.channels import PictureChannel
from lerobot_recorder.conversion.bag_look import BagLook
from lerobot_recorder.conversion.result import ConvertedEpisode
from lerobot_recorder.conversion.span import EpisodeSpan, Skipped
from lerobot_recorder.conversion.stream_look import StreamLook
from lerobot_recorder.convert import Conversion, Converted
from lerobot_recorder.row_plan import RowPlan
from lerobot_recorder.suggested_rate import suggest_fps
from lerobot_recorder.survey import SeenTopic

WORDS = {
    'fresh': 'fresh', 'repeats': 'repeated', 'slips': 'slips', 'held': 'held', 'late': 'late',
    'duplicates': 'duplicates', 'unusable': 'unusable', 'absurd_stamps': 'absurd stamps',
    'lying_stamps': 'lying stamps', 'clock_jumps': 'clock jumps', 'delayed': 'delayed',
    'skip_slips': 'skipped by clock', 'missing_stamps': 'without stamp',
}  # fmt: skip
_FEW, _MANY = 3, 40
"""Rows of a table; of more, the first ones are told and how many there are."""


def tell_before(console: Console, conversion: Conversion) -> None:
    """Tell what a bag holds, stream by stream; names are never cut."""
    look, fps = conversion.look, conversion.job.mapping.fps
    table = _table()
    for topic, stream in look.streams.items():
        table.add_row(topic, _seen(stream))
    for topic in conversion.job.mapping.topics():
        if topic not in look.streams:
            table.add_row(topic, 'no message')
    table.add_row('clock', look.clock)
    better = _suggested_fps(conversion.plan)
    if look.streams and better != fps:
        table.add_row('rate of rows', f'{fps} asked for; the streams suggest {better}')
    if look.others:
        table.add_row('not used', ', '.join(_type(t, kind) for t, kind in look.others.items()))
    console.print(f'bag {look.bag}: {look.duration_s:.1f} s of what is recorded', soft_wrap=True)
    console.print(table)
    for notice in (*look.notices, *conversion.notices):
        console.print(notice)
    noticed = _table()
    for number, finding in enumerate(conversion.findings):
        text = Text(str(finding), style='yellow' if finding.level > Level.OK else '')
        noticed.add_row('' if number else 'noticed', text)
    console.print(noticed)


def tell_plan(console: Console, conversion: Conversion) -> None:
    """Tell what would be made of a bag: episodes and features."""
    look, fps = conversion.look, conversion.job.mapping.fps
    spans = [span.within(look.first_ns, look.last_ns) for span in conversion.spans.spans]
    table = _columns('episode', 'from', 'to', 'rows', 'task', 'found by')
    for number, span in enumerate(spans[:_MANY]):
        task = span.task or conversion.job.task
        rows = round(span.duration_s * fps) + 1
        times = _second(look, span.start_ns), _second(look, span.end_ns)
        outcome = f' ({span.outcome})' if span.outcome else ''
        table.add_row(str(number), *times, f'about {rows}', task + outcome, span.where)
    console.print(table)
    _tell_more(console, len(spans))
    _tell_skipped(console, look, conversion.spans.skipped)
    features = _table()
    numbers = 0
    for key, feature in conversion.plan.features().items():
        names = feature['names'] if feature['dtype'] != 'video' else None
        shape = ' x '.join(map(str, feature['shape']))
        features.add_row(
            key, f'{feature["dtype"]} {shape}' + (f': {", ".join(names)}' if names else '')
        )
        numbers += 0 if feature['dtype'] == 'video' else _size(feature)
    console.print(features)
    rows = sum(round(span.duration_s * fps) + 1 for span in spans)
    console.print(
        f'{len(spans)} episodes, about {rows} rows, {rows / fps:.1f} of {look.duration_s:.1f} s; '
        f'numbers {rows * numbers / 1e6:.2g} MB before compression'
        + _pictures(conversion, rows)
        + '; nothing was written'
    )


def tell_after(console: Console, converted: Converted, told: Collection[str] = ()) -> None:
    """Tell what became of a bag; zeros are left out, names are never cut.

    Args:
        console: where to.
        converted: what became of it.
        told: notices that were told before.
    """
    table = _table()
    for name, figures in _summed(converted.episodes).items():
        table.add_row(name, _used(figures))
    if converted.encoding:
        table.add_row('encoding', converted.encoding)
    console.print(table)
    if len(converted.episodes) > 1:
        console.print(_episodes(converted))
        _tell_more(console, len(converted.episodes))
    _tell_skipped(console, converted.look, converted.skipped)
    for notice in converted.notices:
        if notice not in told:
            console.print(notice)
    console.print(_summary(converted), soft_wrap=True)


def _summary(converted: Converted) -> str:
    if not converted.episodes:
        return f'nothing new for {converted.root}'
    told = f'{converted.frames} frames, {converted.duration_s:.1f} s'
    if len(converted.episodes) > 1:
        told = f'{len(converted.episodes)} episodes, {told}'
    else:
        (one,) = converted.episodes
        told += f', {one.outcome}' if one.outcome else ''
        told += f', {one.verdict}' + (f'; {one.ended}' if one.ended else '')
    whole = converted.look.duration_s
    part = f' of {whole:.1f} s' if whole - converted.duration_s > 0.5 else ''
    return f'{told}{part}, in {converted.root}'


def _episodes(converted: Converted) -> Table:
    table = _columns('episode', 'from', 'rows', 'time', 'task', 'verdict')
    for one in converted.episodes[:_MANY]:
        at = _second(converted.look, one.start_ns)
        outcome = f'{one.outcome}, ' if one.outcome else ''
        time = f'{one.duration_s:.1f} s'
        table.add_row(str(one.index), at, str(one.frames), time, one.task, outcome + one.verdict)
    return table


def _tell_skipped(console: Console, look: BagLook, skipped: Sequence[Skipped]) -> None:
    done = [one for one in skipped if one.is_done]
    told = [one for one in skipped if len(done) <= _FEW or not one.is_done]
    if len(done) > _FEW:
        extent = f'{_second(look, done[0].span.start_ns)} to {_second(look, done[-1].span.end_ns)}'
        console.print(f'left out: {len(done)} parts, {extent}: they were converted already')
    for one in told[:_MANY]:
        console.print(f'left out: {_extent(look, one.span)}: {one.reason}')
    if len(told) > _MANY:
        console.print(f'left out: {len(told) - _MANY} more')


def _tell_more(console: Console, number: int) -> None:
    if number > _MANY:
        console.print(f'... {number - _MANY} more')


def _extent(look: BagLook, span: EpisodeSpan) -> str:
    part = span.within(look.first_ns, look.last_ns) if span.end_ns == FOREVER_NS else span
    return f'{_second(look, part.start_ns)} to {_second(look, part.end_ns)}'


def _second(look: BagLook, time_ns: int) -> str:
    return f'{(time_ns - look.first_ns) / NS_PER_S:.2f} s'


def _seen(stream: StreamLook) -> str:
    kind = stream.msgtype.replace('/msg/', '/')
    parts = [f'{stream.count} {kind}', ' '.join(_rates(stream))]
    if stream.gaps:
        parts.append(f'{_counted(stream.gaps, "gap")}, the longest {stream.longest_gap_s:.2f} s')
    if stream.duplicates:
        parts.append(f'{stream.duplicates} with the stamp of another')
    if stream.out_of_order:
        parts.append(f'{stream.out_of_order} out of order')
    clock = f'stamped by {stream.clock}'
    if stream.lag_ms is not None:
        clock += ', logged {:.1f} ms later, 99 % within {:.1f} ms'.format(*stream.lag_ms)
    return '; '.join(filter(None, [*parts, clock]))


def _rates(stream: StreamLook) -> Iterator[str]:
    if stream.rate_hz is None:
        return
    yield f'{stream.rate_hz:.2f} Hz'
    received = stream.received_hz
    if received is not None and abs(received - stream.rate_hz) > 0.02 * stream.rate_hz:
        yield f'({received:.2f} with its gaps)'


def _summed(episodes: Sequence[ConvertedEpisode]) -> dict[str, dict[str, Any]]:
    """Return the figures of all episodes together; of skews, those of the worst one."""
    total: dict[str, dict[str, Any]] = {}
    for episode in episodes:
        for name, figures in episode.streams.items():
            sums = total.setdefault(name, {'clock': {}})
            for key in WORDS:
                sums[key] = sums.get(key, 0) + figures.get(key, 0)
            for clock, number in figures['clock'].items():
                sums['clock'][clock] = sums['clock'].get(clock, 0) + number
            for key in ('skew_p50_ms', 'skew_p95_ms'):
                sums[key] = max(sums.get(key) or 0.0, figures.get(key) or 0.0)
    return total


def _used(figures: Mapping[str, Any]) -> str:
    clock = ', '.join(f'{key} {count}' for key, count in figures['clock'].items())
    numbers = {word: figures[key] for key, word in WORDS.items() if figures.get(key)}
    parts = [f'{number} {word}' for word, number in numbers.items()]
    skew = f'skew {figures["skew_p50_ms"]:.1f} ms, 95 % within {figures["skew_p95_ms"]:.1f} ms'
    used = ', '.join(parts) or 'none used'
    heard = sum(figures['clock'].values())  # those that came before an episode are not its own
    return f'{heard} messages: {used}; {skew}; clock: {clock}'


def _suggested_fps(plan: RowPlan) -> int:
    """Return the rate of rows that fits what is observed."""
    sensors = [channel for channel in plan.all_channels() if not channel.may_be_silent]
    seen = [
        (SeenTopic(c.source.topic, '', rate_hz=c.usual_rate.own_hz), isinstance(c, PictureChannel))
        for c in sensors
    ]
    cameras = [topic for topic, is_camera in seen if is_camera]
    others = [topic for topic, is_camera in seen if not is_camera]
    return suggest_fps(cameras, others[0] if others else None)[0]


def _size(feature: Mapping[str, Any]) -> int:
    size = 8 if feature['dtype'] == 'int64' else 4
    for length in feature['shape']:
        size *= length
    return size


def _pictures(conversion: Conversion, rows: int) -> str:
    cameras = [c for c in conversion.plan.all_channels() if isinstance(c, PictureChannel)]
    if not cameras:
        return ''
    sizes = ', '.join(f'{c.size[1]}x{c.size[0]}' for c in cameras if c.size)
    return f', {len(cameras) * rows} pictures ({sizes}), whose size the encoder decides'


def _counted(number: int, what: str) -> str:
    return f'{number} {what}' if number == 1 else f'{number} {what}s'


def _type(topic: str, kind: str) -> str:
    return f'{topic} ({kind.replace("/msg/", "/")})'


def _table() -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True, overflow='fold')
    table.add_column(overflow='fold')
    return table


def _columns(*names: str) -> Table:
    table = Table(*names, box=None, pad_edge=False)
    for column in table.columns:
        column.overflow = 'fold'
    return table
