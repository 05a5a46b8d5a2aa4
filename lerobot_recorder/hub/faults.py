"""What goes wrong with the Hub, as one line each: what helps, and whether trying again does."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from json import JSONDecodeError

from lerobot_drivers.common.errors import HubBusyError, HubError
from lerobot_recorder.hub.job import Job

LOG_IN = 'log in with `hf auth login`, or set HF_TOKEN'
TOKENS = 'https://huggingface.co/settings/tokens'
MAX_WAIT_S = 3600.0
_BUSY = {408, 409, 412, 423, 425, 429}
_SERVER_ERROR = 500
_GONE = {errno.ENOENT, errno.ESTALE}


@contextmanager
def told(job: Job, endpoint: str) -> Iterator[None]:
    """Turn what huggingface_hub raises into an error of ours.

    Args:
        job: what is being uploaded.
        endpoint: where the Hub is.

    Raises:
        HubBusyError: trying again may help.
        HubError: it does not.
    """
    from huggingface_hub.errors import HfHubHTTPError

    # The base of all errors of httpx or httpx2, whichever huggingface_hub was made with.
    http_error: type[BaseException] = HfHubHTTPError.__bases__[0]
    try:
        yield
    except HubError:
        raise
    except (http_error, OSError, RuntimeError, ValueError) as error:
        raise translated(error, job, endpoint) from error


def translated(error: BaseException, job: Job, endpoint: str) -> HubError:
    """Return what an error means, told for the user."""
    from huggingface_hub.errors import (
        HfHubHTTPError,
        LocalTokenNotFoundError,
        OfflineModeIsEnabled,
    )

    for cause in _causes(error):
        if isinstance(cause, LocalTokenNotFoundError):
            return HubError(f'no token for the Hub at {endpoint}: {LOG_IN}')
        if isinstance(cause, OfflineModeIsEnabled):
            return HubError('HF_HUB_OFFLINE is set: unset it to upload')
        if isinstance(cause, HfHubHTTPError) and cause.response is not None:
            return _refused(cause, job, endpoint)
        if isinstance(cause, OSError) and cause.filename is not None:
            return _unreadable(cause)
    root = _causes(error)[-1]
    if isinstance(root, ValueError) and not isinstance(root, JSONDecodeError):
        # huggingface_hub's: a name that is none, a file over a limit, odd metadata of a card
        return HubError(f'the Hub at {endpoint} took none of it: {_line(root)}')
    return HubBusyError(f'the Hub at {endpoint} cannot be reached ({_line(root)})')


def _refused(error: BaseException, job: Job, endpoint: str) -> HubError:
    response = error.response  # type: ignore[attr-defined]
    status = int(response.status_code)
    said = str(getattr(error, 'server_message', None) or response.reason_phrase or '').strip()
    said = ' '.join(said.split())
    if status in _BUSY or status >= _SERVER_ERROR:
        return HubBusyError(
            f'the Hub at {endpoint} is busy: {status} {said}'.rstrip(), _wait(response.headers)
        )
    lines = {
        401: f'the Hub at {endpoint} does not know this token: {LOG_IN}',
        403: f'the Hub refused {job.repo_id}: {said}; the token needs write access to '
        f'{job.namespace} ({TOKENS})',
        404: f'there is no dataset {job.repo_id} at {endpoint}, or this token may not see it',
    }
    return HubError(lines.get(status, f'the Hub refused {job.repo_id}: {status} {said}'))


def _unreadable(error: OSError) -> HubError:
    if error.errno in _GONE:
        return HubBusyError(f'{error.filename} was moved meanwhile')
    return HubError(f'{error.filename} cannot be read: {error.strerror}')


def _wait(headers: object) -> float:
    """Return after which time the Hub wants to be asked again, 0 if it does not say [s]."""
    value = str(headers.get('retry-after', '')).strip()  # type: ignore[attr-defined]
    return min(float(value), MAX_WAIT_S) if value.isdigit() else 0.0


def _causes(error: BaseException) -> list[BaseException]:
    """Return an error and what it came from, innermost last."""
    chain = [error]
    while (cause := chain[-1].__cause__) is not None and len(chain) < 10:
        chain.append(cause)
    return chain


def _line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return ' '.join(lines[:2]) or type(error).__name__
