"""What a policy sees: the newest moment that every stream knows, and how old it truly is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from synthetic_messages import MS, T0, S, image, joint_state, raw

from lerobot_drivers.common.errors import StreamError
from lerobot_recorder.live_view import LiveView
from lerobot_recorder.mapping import build_mapping
from lerobot_recorder.row_plan import RowPlan

STATE, FRONT = 'observation.state', 'observation.images.front'
NUMBERS = {STATE: {'topic': '/s', 'joints': ['a', 'b']}}
BOTH = {**NUMBERS, FRONT: {'topic': '/f'}}


def view(features=BOTH):
    return LiveView(RowPlan(build_mapping({'fps': 30, 'features': features}, 'test')))


def state(at_ns, a, b=0.0, names='ab'):
    position = [a, b][: len(names)]
    return raw('/s', joint_state(T0 + at_ns, names, position), T0 + at_ns + MS)


def picture(at_ns, shade):
    pixels = np.full((4, 6, 3), shade, np.uint8)
    return raw('/f', image(T0 + at_ns, pixels), T0 + at_ns + 30 * MS)


def shade(seen):
    return int(seen.row.pictures[FRONT].rgb()[0, 0, 0])


def numbers(seen):
    return [float(value) for value in seen.row.values[STATE]]


def test_nothing_before_every_stream_has_spoken():
    live = view()
    assert live.observe() is None
    live.add(picture(0, 1))  # learnt from
    for k in range(5):
        live.add(state(k * 10 * MS, k))
    assert live.observe() is None
    live.add(picture(20 * MS, 2))
    assert live.observe() is not None


def test_numbers_are_those_at_the_moment_of_the_picture():
    live = view()
    live.add(picture(-33 * MS, 1))
    for k in range(10):
        live.add(state(k * 10 * MS, k))
    live.add(picture(44 * MS, 2))
    seen = live.observe()
    assert (seen.stamp_ns, shade(seen)) == (T0 + 44 * MS, 2)
    assert numbers(seen) == pytest.approx([4.4, 0.0])
    assert seen.age_ns(T0 + S) == 956 * MS
    assert seen.age_ns(T0) == -44 * MS


def test_of_two_cameras_the_later_one_shows_the_picture_nearest_to_the_other():
    wrist = 'observation.images.wrist'
    live = view({FRONT: {'topic': '/f'}, wrist: {'topic': '/w'}})
    for k in range(6):
        live.add(picture(k * 33 * MS, k))
        other = raw('/w', image(T0 + k * 33 * MS + 10 * MS, np.zeros((2, 2, 3), np.uint8)), T0)
        live.add(other if k < 4 else picture(k * 33 * MS, k))
    seen = live.observe()
    assert shade(seen) == 3


def test_a_partial_message_does_not_make_the_rest_young():
    live = view(NUMBERS)
    live.add(state(0, 1.0, 2.0))
    for k in range(1, 50):
        live.add(state(k * 20 * MS, k, names='a'))
    seen = live.observe()
    assert seen.stamp_ns == T0
    live.add(state(S, 0.0, 7.0))
    assert numbers(live.observe()) == [0.0, 7.0]


def test_a_joint_never_heard_is_never_made_up():
    live = view(NUMBERS)
    for k in range(10):
        live.add(state(k * 20 * MS, k, names='a'))
    assert live.observe() is None


def test_what_was_held_over_a_gap_is_as_old_as_it_is():
    live = view()
    live.add(picture(-33 * MS, 1))
    live.add(state(0, 1.0))
    live.add(picture(4900 * MS, 2))
    live.add(state(5000 * MS, 9.0))
    seen = live.observe()
    assert numbers(seen)[0] == 1.0
    assert seen.stamp_ns == T0, 'a value of five seconds ago was called fresh'


def test_a_picture_from_before_a_gap_is_as_old_as_it_is():
    live = view()
    live.add(picture(-33 * MS, 1))
    live.add(picture(0, 1))
    for k in range(25):
        live.add(state(k * 100 * MS, k))
    live.add(picture(5000 * MS, 2))
    seen = live.observe()
    assert shade(seen) == 1 and seen.stamp_ns == T0


def test_a_fixed_latency_is_taken_off_pictures_and_numbers_alike():
    features = {
        STATE: {**NUMBERS[STATE], 'offset_ms': 20},
        FRONT: {'topic': '/f', 'offset_ms': 50},
    }
    live = view(features)
    live.add(picture(0, 1))
    for k in range(20):
        live.add(state(k * 10 * MS, k))
    live.add(picture(100 * MS, 2))
    seen = live.observe()
    assert seen.stamp_ns == T0 + 50 * MS
    assert numbers(seen)[0] == pytest.approx(7.0)


def test_pictures_out_of_order_are_left_out():
    live = view()
    live.add(picture(-33 * MS, 1))
    for at, value in ((0, 10), (66 * MS, 12), (33 * MS, 11)):
        live.add(picture(at, value))
    for k in range(20):
        live.add(state(k * 10 * MS, k))
    assert shade(live.observe()) == 12


def test_memory_is_bounded_while_a_camera_is_silent():
    live = view()
    live.add(picture(0, 1))
    live.add(picture(10 * MS, 1))
    for k in range(3000):
        live.add(state(k * 10 * MS, k))
    live.observe()
    (stream,) = live._numbers.values()
    assert sum(len(track.stamps) for track in stream._tracks) < 1100


def test_one_bad_message_is_no_accident_but_ten_are():
    live = view(NUMBERS)
    live.add(state(0, 1.0))
    broken = raw('/s', joint_state(T0, ['x'], [1.0]), T0)
    live.add(broken)
    live.add(state(10 * MS, 2.0))
    assert numbers(live.observe())[0] == 2.0
    with pytest.raises(StreamError, match='10 unusable messages in a row'):
        for _ in range(10):
            live.add(broken)


@given(st.lists(st.integers(-200, 200), min_size=3, max_size=30))
def test_in_whatever_order_messages_come_an_observation_is_never_younger_than_its_parts(order):
    live = view()
    live.add(picture(-S, 1))
    latest = {'/s': -S, '/f': -S}
    for number, at_ms in enumerate(order):
        at_ns = at_ms * MS
        if number % 3:
            live.add(state(at_ns, at_ms))
            latest['/s'] = max(latest['/s'], at_ns)
        else:
            live.add(picture(at_ns, 9))
            latest['/f'] = max(latest['/f'], at_ns)
    seen = live.observe()
    assert seen is None or seen.stamp_ns <= T0 + min(latest.values())
