"""What was sent and did not come: counted by numbers, told with what to do."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lerobot_recorder.reception import WINDOW_NS, Reception, Transport, loss_line
from lerobot_recorder.sequence_gaps import SequenceGaps

SECOND = 10**9


@given(st.lists(st.booleans(), min_size=1, max_size=60), st.integers(1, 10**6))
def test_lost_and_received_add_up_to_what_was_sent(came, first):
    gaps = SequenceGaps()
    numbers = [first + at for at, arrived in enumerate(came) if arrived]
    lost = sum(gaps.missed(b'camera', number) for number in numbers)
    if numbers:
        assert lost + len(numbers) == numbers[-1] - numbers[0] + 1


def test_publishers_are_counted_apart():
    gaps = SequenceGaps()
    missed = [gaps.missed(gid, n) for n in range(1, 9) for gid in (b'a', b'b')]
    assert set(missed) == {0}
    assert gaps.missed(b'a', 12) == 3


def test_a_publisher_that_starts_anew_has_lost_nothing():
    gaps = SequenceGaps()
    assert [gaps.missed(None, number) for number in (70, 71, 1, 2)] == [0, 0, 0, 0]
    gaps.forget()
    assert gaps.missed(None, 50) == 0


def heard(reception: Reception, losses: list[int], now_ns: int):
    for lost in losses:
        reception.add(lost)
    return reception.look(now_ns)


def test_a_loss_is_told_once_and_again_when_it_comes_back():
    reception = Reception()
    assert heard(reception, [], 0) is None
    assert heard(reception, [1] * 30, WINDOW_NS // 2) is None, 'the window has not ended'
    loss = heard(reception, [1] * 15, WINDOW_NS)
    assert (loss.received_hz, loss.sent_hz) == (15.0, 30.0)
    assert heard(reception, [1] * 45, 2 * WINDOW_NS) is None, 'told already'
    assert heard(reception, [0] * 90, 3 * WINDOW_NS) is None
    assert heard(reception, [1] * 45, 4 * WINDOW_NS) is not None


def test_a_single_lost_message_is_only_counted():
    reception = Reception()
    heard(reception, [], 0)
    assert heard(reception, [1] + [0] * 120, WINDOW_NS) is None


def test_the_line_names_topic_rates_and_cure():
    reception = Reception()
    heard(reception, [], 0)
    loss = heard(reception, [1] * 45, WINDOW_NS)
    lossy = Transport(True, True, 'VARIABLE', '/share/shm.xml')
    line = loss_line('/lab/cam/image_raw', loss, lossy)
    assert '/lab/cam/image_raw: 15.0 messages/s arrive of about 30.0 sent' in line
    assert 'VARIABLE=/share/shm.xml' in line
    assert 'sysctl' not in line
    small = Transport(True, False, 'VARIABLE', '/share/shm.xml')
    assert 'net.core.rmem_max=16777216' in loss_line('/t', loss, small)
    reliable = Transport(False, False, 'VARIABLE', '/share/shm.xml')
    assert 'too busy' in loss_line('/t', loss, reliable)
