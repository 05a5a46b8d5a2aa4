"""A file of times, and what is said of its lines."""

from __future__ import annotations

import pytest
from synthetic_messages import S

from lerobot_drivers.common.errors import ConfigError
from lerobot_recorder.conversion.config import Times
from lerobot_recorder.conversion.span_file import on_clock, read_spans


@pytest.fixture
def file(tmp_path):
    return tmp_path / 'cuts.csv'


def test_with_a_header_in_any_order_comments_and_marks_of_excel(file):
    file.write_bytes(
        '\ufeffTask, End_s, start_s\n# by hand\n\n"pick, then place", 2.5, 1.25\n'.encode()
    )
    (span,) = read_spans(file)
    assert (span.start_ns, span.end_ns, span.task) == (1.25 * S, 2.5 * S, 'pick, then place')
    assert (span.outcome, span.where) == (None, 'cuts.csv:4')


def test_times_are_exact_to_the_nanosecond(file):
    file.write_text('1700000000.123456789,1700000001.000000001\n')
    (span,) = read_spans(file)
    assert span.start_ns == 1_700_000_000_123_456_789 and span.end_ns == 1_700_000_001_000_000_001
    assert on_clock([span], Times.AUTO, 5)[0] == span
    assert on_clock([span], Times.BAG, 5)[0].start_ns == span.start_ns + 5


def test_every_wrong_line_is_named(file):
    file.write_text('start_s,end_s,task,outcome\nx,2\n3,2\n4,5,a,great\n-1,2\n6,\n1,nan\n')
    with pytest.raises(ConfigError) as caught:
        read_spans(file)
    told = str(caught.value)
    assert told.startswith(f"{file}: line 2: start_s is 'x', expected a time in seconds; line 3: ")
    assert 'line 3: end_s 2 must lie after start_s 3; line 4: outcome is' in told
    assert "line 4: outcome is 'great', expected success or failure or nothing" in told
    assert "line 5: start_s is '-1'" in told and told.endswith('; 1 more') and '\n' not in told


@pytest.mark.parametrize(
    ('text', 'told'),
    [
        ('1,3\n2,4\n', r'cuts\.csv:1 and cuts\.csv:2 overlap'),
        ('', 'there is no line in it'),
        ('start_s,end_s\n', 'there is no line in it'),
        ('begin,end\n1,2\n', r'line 1: the columns are begin, end, expected start_s, end_s, task'),
        ('start_s,task\n1,x\n', 'line 1: the columns are start_s, task, expected'),
        ('1\n', "line 1: end_s is '', expected a time in seconds"),
    ],
)
def test_files_that_cannot_be(file, text, told):
    file.write_text(text)
    with pytest.raises(ConfigError, match=told):
        read_spans(file)


def test_no_file_and_no_text(file):
    with pytest.raises(ConfigError, match='cannot be read as CSV'):
        read_spans(file)
    file.write_bytes(b'\xff\xfe\x00')
    with pytest.raises(ConfigError, match='cannot be read as CSV'):
        read_spans(file)
