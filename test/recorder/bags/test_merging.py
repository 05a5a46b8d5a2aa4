from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lerobot_recorder.bags.merging import Part, merged

TIMES = st.lists(st.lists(st.integers(0, 30), max_size=8).map(sorted), max_size=6)


@given(TIMES)
def test_all_items_in_the_order_of_time_then_rank_then_place(times):
    parts = [
        Part(own[0] if own else 0, rank, lambda own=own, rank=rank: items(own, rank))
        for rank, own in enumerate(times)
    ]
    found = list(merged(sorted(parts, key=lambda part: (part.start_ns, part.rank))))
    expected = [item for rank, own in enumerate(times) for item in items(own, rank)]
    assert found == sorted(expected)


def items(own, rank):
    return ((time, (rank, place)) for place, time in enumerate(own))


def test_no_part_is_begun_before_its_time():
    begun = []

    def begin(number):
        begun.append(number)
        yield number * 10, number
        yield number * 10 + 5, number

    stream = merged([Part(n * 10, n, lambda n=n: begin(n)) for n in range(3)])
    assert [next(stream), list(begun)] == [(0, 0), [0]]
    assert [next(stream), list(begun)] == [(5, 0), [0]]
    assert [next(stream), list(begun)] == [(10, 1), [0, 1]]
