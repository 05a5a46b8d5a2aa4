"""SIGTERM and Ctrl-C at every phase of ``lerobot-ros record``, in a graph of strangers."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lerobot_recorder.dataset.dataset_reader import DatasetReader
from lerobot_recorder.dataset.validate import validate_dataset

pytestmark = [pytest.mark.ros, pytest.mark.timeout(120)]

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope='module')
def strangers():
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name('foreign_graph.py')), '300']
    )
    yield process
    process.terminate()
    process.wait(timeout=30)


@pytest.fixture
def faltering(strangers):
    """The same graph, which a test may stop: a phase that ends with a message lasts then."""
    yield strangers
    strangers.send_signal(signal.SIGCONT)


def recorder(root: Path, *flags: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, '-m', 'lerobot_drivers.cli', 'record', '--dataset.repo_id=lab/signals',
         f'--dataset.root={root}', '--dataset.single_task=look', '--dataset.num_episodes=3',
         *flags],
        cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True,
    )  # fmt: skip


def heard(process: subprocess.Popen[str], at: str) -> str:
    """Wait for a line that begins with a word; return all that was said until then."""
    said = ''
    assert process.stdout is not None
    for line in process.stdout:
        said += line
        if line.startswith(at):
            break
    return said


def interrupted(process: subprocess.Popen[str], at: str, *signals: int) -> tuple[int, str]:
    """Send signals when a line begins with a word; return exit code and all that was said."""
    said = heard(process, at)
    for number in signals:
        process.send_signal(number)
    said += process.communicate(timeout=60)[0]
    assert 'Traceback' not in said, said
    return process.returncode, said


def check_whole(root: Path) -> None:
    assert [f for f in validate_dataset(root, decode=True) if f.severity == 'error'] == []
    assert not (root / '.recording').exists()


@pytest.mark.parametrize(
    ('signals', 'episode_s'),
    [((signal.SIGTERM,), 30), ((signal.SIGINT, signal.SIGINT), 30)],
    ids=['SIGTERM', 'Ctrl-C twice'],
)
def test_a_running_episode_is_kept_as_incomplete(strangers, tmp_path, signals, episode_s):
    root = tmp_path / 'set'
    process = recorder(root, f'--dataset.episode_time_s={episode_s}')
    code, said = interrupted(process, 'recording', *signals)
    assert code == 0, said
    if not root.exists():  # the signal came with the very first row
        assert 'no episode was saved' in said
        return
    assert '1 episode saved' in said and 'incomplete' in said
    episode = DatasetReader(root).episode(0)
    assert episode.length >= 1 and episode.extra['ros/outcome'] == 'incomplete'
    check_whole(root)


@pytest.mark.parametrize('number', [signal.SIGTERM])
def test_between_episodes_what_was_accepted_becomes_durable(strangers, tmp_path, number):
    root = tmp_path / 'set'
    process = recorder(root, '--dataset.episode_time_s=1', '--dataset.reset_time_s=60')
    code, said = interrupted(process, 'resetting', number, number)
    assert code == 0 and '1 episode saved' in said, said
    episode = DatasetReader(root).episode(0)
    assert (episode.length, episode.extra['ros/outcome']) == (30, None)
    check_whole(root)


def test_while_preparing_nothing_is_left(tmp_path):
    root = tmp_path / 'set'
    features = '{observation.state: {topic: /nobody}}'
    process = recorder(root, f'--recorder.features={features}')
    code, said = interrupted(process, 'preparing', signal.SIGINT)
    assert code == 0 and 'no episode was saved' in said, said
    assert not root.exists()


@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGINT])
def test_while_waiting_for_sensors_what_was_saved_stays(faltering, tmp_path, number):
    root = tmp_path / 'set'
    process = recorder(root, '--dataset.episode_time_s=1', '--dataset.reset_time_s=1')
    heard(process, 'resetting')
    faltering.send_signal(signal.SIGSTOP)
    code, said = interrupted(process, 'waiting', number)
    assert code == 0 and '1 episode saved' in said, said
    reader = DatasetReader(root)
    assert [view.length for view in reader.episodes()] == [30]
    check_whole(root)


@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGINT])
def test_while_finishing_an_episode_is_kept_and_who_ended_it_is_answered(
    faltering, graph, tmp_path, number
):
    from std_srvs.srv import Trigger

    root = tmp_path / 'set'
    client = graph.peer.create_client(Trigger, '/recorder/save')
    process = recorder(root, '--dataset.episode_time_s=30')
    heard(process, 'recording')
    time.sleep(1.0)
    faltering.send_signal(signal.SIGSTOP)  # its last messages are waited for
    graph.until(client.service_is_ready)
    answer = client.call_async(Trigger.Request())
    code, said = interrupted(process, 'finishing', number)
    assert code == 0, said
    graph.until(answer.done)
    assert answer.result().success and answer.result().message.startswith('episode 0 saved')
    assert '1 episode saved' in said, said
    episode = DatasetReader(root).episode(0)
    assert episode.length >= 15 and episode.extra['ros/outcome'] == 'incomplete'
    check_whole(root)
