"""What failures mean that no stand-in makes."""

from __future__ import annotations

import errno
from json import JSONDecodeError
from pathlib import Path

import pytest

from lerobot_drivers.common.errors import HubBusyError, HubError
from lerobot_recorder.hub import faults
from lerobot_recorder.hub.job import Job

JOB = Job(Path('x'), 'me/pick')


def told(error, cause=None):
    with pytest.raises(HubError) as caught, faults.told(JOB, 'https://hub'):
        raise error from cause
    return type(caught.value), str(caught.value)


@pytest.mark.parametrize(
    ('error', 'kind', 'line'),
    [
        (RuntimeError('Data processing error: CAS\n\nreset'), HubBusyError, 'error: CAS reset)'),
        (ConnectionResetError(104, 'Connection reset'), HubBusyError, 'cannot be reached'),
        (PermissionError('xet token'), HubBusyError, 'xet token'),
        (ValueError('File too large'), HubError, 'https://hub took none of it: File too large'),
        (FileNotFoundError(errno.ENOENT, 'No such', 'a.mp4'), HubBusyError, 'a.mp4 was moved'),
        (PermissionError(errno.EACCES, 'denied', 'a.mp4'), HubError, 'a.mp4 cannot be read: den'),
        (JSONDecodeError('no JSON', '<html>', 0), HubBusyError, 'cannot be reached (no JSON'),
        (HubError('ours'), HubError, 'ours'),
    ],
)
def test_one_line_and_whether_to_try_again(error, kind, line):
    found, text = told(error)
    assert found is kind
    assert line in text
    assert '\n' not in text


def test_what_is_behind_an_error_counts():
    gone = FileNotFoundError(errno.ENOENT, 'No such', 'a.mp4')
    assert told(RuntimeError('Error while uploading'), gone)[0] is HubBusyError
    denied = PermissionError(errno.EACCES, 'denied', 'a.mp4')
    assert told(RuntimeError('Error while uploading'), denied)[0] is HubError


def test_a_bug_of_ours_stays_one():
    with pytest.raises(KeyError), faults.told(JOB, 'https://hub'):
        raise KeyError('x')
