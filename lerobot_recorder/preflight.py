"""The streams before the first episode: is each there, of use, fast enough and on our clock?

All is asked of what the recorder has measured by then anyway (rates, stamps, losses), and of
what the publishers offer. Every stream gives one line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from lerobot_drivers.common.clock import NS_PER_S
from lerobot_drivers.common.errors import StreamError
from lerobot_drivers.common.health import Level
from lerobot_recorder.channels import Channel, NumericChannel, PictureChannel
from lerobot_recorder.disagreements.names import check_names
from lerobot_recorder.findings import Finding, joined
from lerobot_recorder.images import COMPRESSED_IMAGE
from lerobot_recorder.messages import StampClock, has_header
from lerobot_recorder.native_columns import is_kept
from lerobot_recorder.offers import Offer
from lerobot_recorder.rates import LOW
from lerobot_recorder.reception import SOCKET_ADVICE
from lerobot_recorder.row_plan import RowPlan, told_rate
from lerobot_recorder.stream_health import FUTURE_NS

AHEAD_NS = NS_PER_S // 2
"""A clock further ahead than this puts its stream into other rows than it belongs to [ns]."""
OLD_NS = NS_PER_S // 2
"""Stamps older than this on arrival are a slow device, or a clock that is behind [ns]."""
Offers = Callable[[str], Sequence[Offer]]


@dataclass(frozen=True)
class Reach:
    """How messages can reach us.

    Attributes:
        offers: topic -> what its publishers offer.
        large_sockets: this kernel lets us have a receive buffer for raw pictures.
        remote_pictures: pictures come from nodes that are not ours.
    """

    offers: Offers
    large_sockets: bool = True
    remote_pictures: bool = False


def check_streams(plan: RowPlan, reach: Reach, may_be_low: bool) -> list[Finding]:
    """Return a line for every stream and native table, one more if joints or rates do not fit.

    Args:
        plan: what is recorded, with what was measured.
        reach: how messages can reach us.
        may_be_low: record even if no camera is as fast as the dataset says.
    """
    found = [_stream(channel, plan.mapping.fps, reach) for channel in plan.all_channels()]
    found += check_names(plan)
    found += [_native(name, one.topic, reach) for name, one in plan.mapping.native.items()]
    try:
        plan.check_rates(may_be_low)
    except StreamError as error:
        text, _, advice = str(error).partition(': record with ')
        found.append(Finding(Level.ERROR, 'cameras', text, advice and f'record with {advice}'))
    return found


def _stream(channel: Channel, fps: int, reach: Reach) -> Finding:
    topic, offers = channel.source.topic, reach.offers(channel.source.topic)
    problems = [*_there(channel, offers), *_type(channel, offers)] or [
        *_contents(channel),
        *_joints(channel),
        *_rate(channel, fps),
        *_clock(channel, offers),
        *_way(channel, offers, reach),
    ]
    short = channel.feature.rpartition('.')[2]
    return joined(f'{short} {topic}', _facts(channel, offers), problems)


def _native(name: str, topic: str, reach: Reach) -> Finding:
    """Return whether a topic that is kept at its native rate is there, and can be kept."""
    subject, offers = f'native {name} {topic}', reach.offers(topic)
    if not offers:
        return Finding(Level.WARN, subject, 'nobody publishes it: its table stays empty', '')
    if not is_kept(offers[0].msgtype):
        text = f'{offers[0].msgtype} cannot be kept as a table'
        return Finding(Level.ERROR, subject, text, 'leave it out of recorder.native')
    return Finding(Level.OK, subject, '', facts=offers[0].msgtype)


def _facts(channel: Channel, offers: Sequence[Offer]) -> list[str]:
    """Return what is good to know of a stream, in a few words."""
    rate, usual_ns = channel.usual_rate.own_hz, channel.stamps.usual_ns
    facts = [f'{rate:.1f} Hz'] if rate is not None else []
    if isinstance(channel, PictureChannel) and channel.size is not None:
        facts.append(f'{channel.size[1]}x{channel.size[0]}')
    if isinstance(channel, NumericChannel) and channel.is_learned:
        facts.append(f'{len(channel.joints)} values')
    if offers:
        facts.append('reliable' if all(offer.reliable for offer in offers) else 'best effort')
    if usual_ns is not None and abs(usual_ns) < OLD_NS:
        facts.append(f'{usual_ns / 1e6:.0f} ms old on arrival')
    return facts


def _there(channel: Channel, offers: Sequence[Offer]) -> Iterator[Finding]:
    topic = channel.source.topic
    if channel.heard.count:
        return
    level = Level.WARN if channel.may_be_silent and channel.is_learned else Level.ERROR
    if not offers:
        advice = 'start its node, or name another topic'
        yield Finding(level, topic, 'nobody publishes it', advice)
    else:
        nodes = ', '.join(sorted({offer.node for offer in offers}))
        advice = f'see that {nodes} sends (ros2 topic hz {topic})'
        yield Finding(level, topic, f'offered by {nodes}, but no message came', advice)


def _type(channel: Channel, offers: Sequence[Offer]) -> Iterator[Finding]:
    topic, types = channel.source.topic, sorted({offer.msgtype for offer in offers})
    if len(types) > 1:
        advice = 'let only one of them publish it'
        yield Finding(Level.ERROR, topic, f'has several types: {", ".join(types)}', advice)
        return
    if types and not channel.can_use(types[0]):
        kind = 'pictures' if isinstance(channel, PictureChannel) else 'numbers'
        advice = f'{channel.feature} needs a topic of another type'
        yield Finding(Level.ERROR, topic, f'{types[0]} holds no {kind}', advice)


def _contents(channel: Channel) -> Iterator[Finding]:
    if channel.errors:
        level = Level.WARN if channel.is_learned else Level.ERROR
        yield Finding(level, channel.source.topic, f'{channel.errors} unusable messages',
                      channel.last_error or '')  # fmt: skip
    if channel.lost:
        sent = channel.heard.count + channel.lost
        if channel.lost > sent * (1 - LOW):
            text = f'{channel.lost / sent:.0%} lost on the way'
            advice = 'look at its QoS, the network and the CPU load'
            yield Finding(Level.WARN, channel.source.topic, text, advice)


def _joints(channel: Channel) -> Iterator[Finding]:
    if not isinstance(channel, NumericChannel) or not channel.unseen or not channel.seen:
        return
    level = Level.WARN if channel.may_be_silent else Level.ERROR
    text = f'its messages never held {", ".join(channel.unseen)}, but {", ".join(channel.seen)}'
    advice = 'correct joints, or take in the topic that holds them as another source'
    yield Finding(level, channel.source.topic, text, advice)


def _rate(channel: Channel, fps: int) -> Iterator[Finding]:
    topic, own_hz = channel.source.topic, channel.usual_rate.own_hz
    if isinstance(channel, PictureChannel):
        told = told_rate(channel, fps)
        if told:
            text, _, advice = told.removeprefix(f'{topic}: ').partition('; ')
            yield Finding(Level.WARN, topic, text, advice)
    elif own_hz is not None and own_hz < LOW * fps and not channel.may_be_silent:
        text = f'slower than the {fps} rows/s: values between are interpolated'
        yield Finding(Level.WARN, topic, text, 'let it publish faster, or lower --dataset.fps')


def _clock(channel: Channel, offers: Sequence[Offer]) -> Iterator[Finding]:
    topic, counts, heard = channel.source.topic, channel.stamps.counts, channel.heard.count
    stamped = any(has_header(offer.msgtype) for offer in offers)
    if channel.source.clock in (StampClock.SOURCE, StampClock.RECEIVE) or not heard:
        return
    advice = 'set both clocks (chrony), or give its source in recorder.features "clock: source"'
    if counts.missing and stamped:
        share = f'{counts.missing} of {heard} ' if counts.missing < heard else ''
        text = f'{share}header stamps are zero: the time of sending is taken'
        yield Finding(Level.WARN, topic, text, 'let its driver stamp what it sends')
    if counts.absurd:
        text = 'stamps lie more than 10 s off: the time of sending is taken'
        yield Finding(Level.WARN, topic, text, advice)
    usual_ns = channel.stamps.usual_ns
    if usual_ns is not None and counts.absurd < heard / 2:
        yield from _distance(topic, usual_ns, advice)


def _distance(topic: str, usual_ns: int, advice: str) -> Iterator[Finding]:
    seconds = abs(usual_ns) / NS_PER_S
    if usual_ns < -FUTURE_NS:
        level = Level.ERROR if -usual_ns > AHEAD_NS else Level.WARN
        yield Finding(level, topic, f'its clock is {seconds:.2f} s ahead of ours', advice)
    elif usual_ns > OLD_NS:
        text = f'stamps are {seconds:.2f} s old on arrival: a slow device, or a clock behind'
        yield Finding(Level.WARN, topic, text, advice)


def _way(channel: Channel, offers: Sequence[Offer], reach: Reach) -> Iterator[Finding]:
    topic = channel.source.topic
    if len(offers) > 1:
        nodes = ', '.join(sorted(offer.node for offer in offers))
        advice = 'see that they do not contradict each other'
        yield Finding(Level.WARN, topic, f'{len(offers)} publishers: {nodes}', advice)
    ways = {offer.reliable for offer in offers}
    if len(ways) > 1:
        text = 'some offer reliable, some best effort: best effort is taken'
        yield Finding(Level.WARN, topic, text, 'let all of them offer reliable')
    raw = any(offer.msgtype != COMPRESSED_IMAGE for offer in offers)
    pictures = isinstance(channel, PictureChannel) and raw and reach.remote_pictures
    if pictures and False in ways and not reach.large_sockets:
        text = 'best effort, and larger than the socket buffers of this machine'
        advice = f'run "sudo sysctl -w net.core.rmem_max={SOCKET_ADVICE}" here'
        yield Finding(Level.WARN, topic, text, advice)
