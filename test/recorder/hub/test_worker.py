"""The worker and those who start it: real processes, the stand-in of the Hub."""

from __future__ import annotations

import os
import signal
import threading
import time

import pytest
from hub_scene import REPO, Uploader, local, record, remote
from hub_standin import Fault

from lerobot_drivers.common.errors import HubError
from lerobot_recorder.dataset.saver import SavedEpisode
from lerobot_recorder.hub import process
from lerobot_recorder.hub.companion import HubCompanion
from lerobot_recorder.hub.job import CHECK, CHECK_NEW, PUSH, Job
from lerobot_recorder.hub.process import Worker, ask
from lerobot_recorder.hub.worker import COMMIT_EVERY_NS, Follower

pytestmark = pytest.mark.filterwarnings('ignore:Use .content:DeprecationWarning')
PATIENCE_S = 20.0


def wait_for(condition):
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, 'it did not happen in time'
        time.sleep(0.02)


def last(events):
    *_, event = events
    return event


def test_a_push_tells_how_far_it_is_and_what_came_of_it(hub, root):
    with Worker(PUSH, Job(root, REPO)) as worker:
        events = list(worker.events())
    assert events[0] == {'sent': 0, 'total': events[0]['total']}
    assert events[-2]['sent'] == events[-2]['total'] > 10_000
    assert events[-1]['done'].startswith(f'3 episodes on the Hub: {hub.url}/datasets/{REPO} (')
    assert remote(hub) == local(root)
    assert b'# pick' in remote(hub)['README.md']
    assert (root / 'meta/ros/filmstrip.jpg').read_bytes()[:2] == b'\xff\xd8'


def test_a_push_that_was_killed_goes_on_where_it_was(hub, root):
    worker = Worker(PUSH, Job(root, REPO))

    def kill(line):
        if len(hub.asked('PUT /lfs/')) == 4:
            os.kill(worker._process.pid, signal.SIGKILL)

    hub.on_request = kill
    with worker, pytest.raises(HubError, match='the upload died: -9'):
        list(worker.events())
    assert remote(hub) == {}
    kept = set(hub.store)
    hub.on_request, hub.requests = lambda line: None, []
    with Worker(PUSH, Job(root, REPO)) as worker:
        assert 'done' in last(worker.events())
    sent = {line.removeprefix('PUT /lfs/') for line in hub.asked('PUT /lfs/')}
    assert len(kept) >= 1
    assert not kept & sent
    assert remote(hub) == local(root)


def test_a_worker_ends_with_who_started_it(hub, root):
    stuck = threading.Event()
    hub.on_request = lambda line: stuck.wait(PATIENCE_S) if line.startswith('PUT') else None
    try:
        with Worker(PUSH, Job(root, REPO)) as worker:
            wait_for(lambda: hub.asked('PUT'))
    finally:
        stuck.set()
    assert worker._process.returncode == 0


def test_a_refusal_is_one_line(hub, root):
    hub.faults = [Fault('/preupload/', 403, 'not yours')]
    with Worker(PUSH, Job(root, REPO)) as worker:
        told = last(worker.events())['error']
    assert told.startswith('the Hub refused me/pick: not yours')
    assert '\n' not in told


def test_the_check_says_who_uploads_where(hub, root):
    told = ask(CHECK_NEW, Job(root, REPO))
    assert told == f'me uploads to {hub.url}/datasets/{REPO} (a new dataset)'
    assert hub.repos == {}, 'a check leaves nothing behind'


def test_a_check_that_fails_says_why(hub, root, monkeypatch):
    monkeypatch.setenv('HF_TOKEN', 'hf_somebody_else')
    with pytest.raises(HubError, match='does not know this token') as error:
        ask(CHECK, Job(root, REPO))
    assert 'hf_somebody_else' not in str(error.value)


def test_what_is_no_event_is_passed_over(root, monkeypatch):
    monkeypatch.setattr(process, 'MODULE', 'this')  # it says something else
    with pytest.raises(HubError, match='died without a word'):
        ask(CHECK, Job(root, REPO))


def test_a_worker_that_breaks_is_told_by_its_last_line(root, monkeypatch):
    monkeypatch.setattr(process, 'MODULE', 'no_such_module')
    with pytest.raises(HubError, match=r'the upload died: .*No module named no_such_module'):
        ask(CHECK, Job(root, REPO))


def test_a_worker_that_cannot_be_started_is_told(root, monkeypatch):
    monkeypatch.setattr(process.sys, 'executable', '/no/python')
    with pytest.raises(HubError, match=r'the upload cannot be started: .*/no/python'):
        ask(CHECK, Job(root, REPO))


class Followed:
    """A follower in this process, and what it told."""

    def __init__(self, root):
        self.uploader = Uploader(root)
        self.clock, self.told = self.uploader.clock, []
        self.follower = Follower(
            self.uploader.job, self.uploader.repository, self.clock, self.told.append
        )
        self.step = self.follower.step


def test_while_recording_contents_go_at_once_and_commits_now_and_then(hub, root):
    followed = Followed(root)
    followed.step()
    record(root, 1, resume=True)
    sent = len(hub.asked('PUT'))
    followed.step()
    assert len(hub.asked('PUT')) > sent
    assert hub.repos[REPO].log[1:] == ['3 episodes']
    followed.clock.advance(COMMIT_EVERY_NS / 1e9)
    followed.step()
    assert hub.repos[REPO].log[1:] == ['3 episodes', '4 episodes']
    assert followed.told == ['upload: 3 episodes on the Hub', 'upload: 4 episodes on the Hub']


def test_an_outage_is_told_once_and_its_end_too(hub, root):
    hub.faults = [Fault('GET', 503, times=30)]
    followed = Followed(root)
    followed.step()
    first, *others = followed.told
    assert first.startswith('upload: the Hub at')
    assert first.endswith('what is recorded waits on the disk')
    assert others == ['upload: the Hub answers again', 'upload: 3 episodes on the Hub']
    assert hub.faults[0].times == 0


def test_an_episode_goes_up_as_soon_as_it_is_durable(hub, root):
    companion = HubCompanion(Job(root, REPO))
    told = []
    companion.on_durable(SavedEpisode(2, 5, 'x'))
    try:
        wait_for(lambda: told.extend(companion.told()) or told)
    finally:
        companion.close()
    assert told == ['upload: 3 episodes on the Hub']
    assert remote(hub) == local(root)


def test_the_recording_goes_on_without_the_upload(hub, root, monkeypatch):
    monkeypatch.setenv('HF_TOKEN', 'hf_no')
    companion = HubCompanion(Job(root, REPO))
    told = []
    try:
        companion.on_durable(SavedEpisode(2, 5, 'x'))
        wait_for(lambda: told.extend(companion.told()) or told)
        companion.on_durable(SavedEpisode(3, 5, 'y'))
    finally:
        companion.close()
    (line,) = told
    assert line.startswith('upload ended, the recording goes on: the Hub at')
