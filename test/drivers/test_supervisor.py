"""The supervisor, with small Python children that know nothing of ROS."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lerobot_drivers.common.errors import GraphError
from lerobot_drivers.common.shared_memory import SHARED_MEMORY, held_segments, remove_unheld
from lerobot_drivers.common.supervisor import ProcessSpec, Supervisor

ROOT = Path(__file__).parents[2]

# Runs until SIGINT or SIGTERM; notes when it began and when it ended cleanly.
SLEEPER = """
import pathlib, signal, sys, threading
stop = threading.Event()
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, lambda number, frame: stop.set())
events = pathlib.Path(sys.argv[1])
name = sys.argv[2]
with events.open('a') as file: file.write(f'begin {name}\\n')
while not stop.wait(0.05): pass
with events.open('a') as file: file.write(f'end {name}\\n')
"""

# Obeys nothing but SIGKILL, and holds a shared memory file and a grandchild.
STUBBORN = """
import mmap, os, pathlib, signal, subprocess, sys, time
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, signal.SIG_IGN)
with open(sys.argv[3], 'w+b') as file:
    file.truncate(4096)
    memory = mmap.mmap(file.fileno(), 4096)
grandchild = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])
with open(sys.argv[1], 'a') as file: file.write(f'begin {sys.argv[2]} {grandchild.pid}\\n')
time.sleep(60)
"""

DYING = """
import sys
print('on stdout')
print('loud words', file=sys.stderr)
print('error: port /dev/ttyX is not there\\n\\n', file=sys.stderr)
sys.exit(3)
"""

WARNING = """
import sys, time
print('[WARN] [1.5] [arm]: lost: the device was unplugged', file=sys.stderr, flush=True)
time.sleep(60)
"""

# A supervisor of its own process, to be killed by the tests.
SUPERVISOR = """
import pathlib, sys
from lerobot_drivers.common.supervisor import ProcessSpec, Supervisor
folder = pathlib.Path(sys.argv[1])
events = str(folder / 'events')
specs = [
    ProcessSpec('one', 'sleeper', arguments=(events, 'one')),
    ProcessSpec('two', 'sleeper', arguments=(events, 'two')),
]
print(Supervisor(specs, folder / 'logs').run())
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the children's modules, on their path."""
    sources = {'sleeper': SLEEPER, 'stubborn': STUBBORN, 'dying': DYING, 'warning': WARNING}
    for name, source in sources.items():
        (tmp_path / f'{name}.py').write_text(source)
    monkeypatch.setenv('PYTHONPATH', os.pathsep.join([str(tmp_path), str(ROOT)]))
    return tmp_path


@pytest.fixture
def segment() -> Iterator[Path]:
    path = SHARED_MEMORY / f'fastdds_test{os.getpid()}'
    files = (path, Path(f'{path}_el'), SHARED_MEMORY / f'sem.{path.name}_mutex')
    for file in files[1:]:
        file.touch()
    yield path
    for file in files:
        file.unlink(missing_ok=True)


def wait_for(condition: Callable[[], object], timeout_s: float = 10.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, 'waited in vain'
        time.sleep(0.02)


def events(folder: Path) -> list[str]:
    file = folder / 'events'
    return file.read_text().splitlines() if file.exists() else []


def sleeper(folder: Path, name: str) -> ProcessSpec:
    return ProcessSpec(name, 'sleeper', arguments=(str(folder / 'events'), name))


def lives(pid: int) -> bool:
    try:
        state = Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()[0]
    except OSError:
        return False
    return state != 'Z'


def test_starts_in_order_and_stops_in_reverse(folder: Path) -> None:
    with Supervisor([sleeper(folder, n) for n in 'abc'], folder / 'logs') as supervisor:
        wait_for(lambda: len(events(folder)) == 3)
        pids = list(supervisor.running.values())
        assert supervisor.poll() == []
    assert events(folder)[3:] == ['end c', 'end b', 'end a']
    assert not any(lives(pid) for pid in pids)
    assert supervisor.running == {}


def test_a_death_is_reported_once_with_the_last_line_of_stderr(folder: Path) -> None:
    specs = [sleeper(folder, 'a'), ProcessSpec('arm', 'dying')]
    with Supervisor(specs, folder / 'logs') as supervisor:
        deaths: list = []
        wait_for(lambda: deaths.extend(supervisor.poll()) or deaths)
        (death,) = deaths
        assert (death.name, death.returncode) == ('arm', 3)
        assert death.last_line == 'error: port /dev/ttyX is not there'
        assert str(death).startswith('arm ended with exit code 3: error: port')
        assert 'loud words' in death.log.read_text()
        assert (folder / 'logs' / 'arm.out.log').read_text() == 'on stdout\n'
        assert supervisor.poll() == []
        assert list(supervisor.running) == ['a']


def test_check_raises_one_line_that_names_the_dead(folder: Path) -> None:
    with Supervisor([sleeper(folder, 'a')], folder / 'logs') as supervisor:
        wait_for(lambda: events(folder))
        supervisor.check()
        os.kill(supervisor.running['a'], signal.SIGKILL)
        with pytest.raises(GraphError, match='a was killed by SIGKILL: no message'):
            wait_for(lambda: supervisor.check())


def test_kills_what_obeys_nothing_and_removes_its_shared_memory(
    folder: Path, segment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr('lerobot_drivers.common.supervisor._TERM_TIMEOUT_S', 0.2)
    stubborn = ProcessSpec(
        'stubborn',
        'stubborn',
        arguments=(str(folder / 'events'), 'stubborn', str(segment)),
        stop_timeout_s=0.2,
    )
    supervisor = Supervisor([sleeper(folder, 'a'), stubborn], folder / 'logs')
    supervisor.start()
    wait_for(lambda: len(events(folder)) == 2)
    grandchild = next(int(e.split()[2]) for e in events(folder) if 'stubborn' in e)
    pids = [*supervisor.running.values(), grandchild]
    assert all(lives(pid) for pid in pids)
    assert held_segments(supervisor.running['stubborn']) == {segment.name}

    assert supervisor.stop() == ['stubborn']
    wait_for(lambda: not any(lives(pid) for pid in pids))
    assert events(folder)[-1] == 'end a'
    assert not segment.exists()
    assert not list(SHARED_MEMORY.glob(f'*{segment.name}*'))


def test_the_shared_memory_of_a_crashed_child_is_removed_too(folder: Path, segment: Path) -> None:
    spec = ProcessSpec('s', 'stubborn', arguments=(str(folder / 'events'), 's', str(segment)))
    with Supervisor([spec], folder / 'logs') as supervisor:
        wait_for(lambda: events(folder))
        supervisor._next_snapshot_ns = 0
        supervisor.poll()
        os.kill(supervisor.running['s'], signal.SIGKILL)
        wait_for(lambda: supervisor.poll())
        assert segment.exists()
    assert not segment.exists()


def test_shared_memory_that_another_process_holds_stays(segment: Path) -> None:
    code = (
        'import mmap,sys; f=open(sys.argv[1],"w+b"); f.truncate(4096); '
        'm=mmap.mmap(f.fileno(),4096); print("held",flush=True); sys.stdin.read()'
    )
    with subprocess.Popen(
        [sys.executable, '-c', code, str(segment)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b'held\n'
        assert remove_unheld([segment.name]) == set()
        assert segment.exists()
        holder.communicate(b'')
    assert remove_unheld([segment.name]) == {segment.name}


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_child_outlives_its_supervisor(folder: Path, number: int) -> None:
    with subprocess.Popen(
        [sys.executable, '-c', SUPERVISOR, str(folder)], start_new_session=True, cwd=ROOT
    ) as supervisor:
        wait_for(lambda: len(events(folder)) == 2)
        supervisor.send_signal(number)
        supervisor.send_signal(number)
        assert supervisor.wait(20) == (-number if number == signal.SIGKILL else 0)
        wait_for(lambda: len(events(folder)) == 4)
    ended = [event.split()[1] for event in events(folder)[2:]]
    assert sorted(ended) == ['one', 'two']
    if number != signal.SIGKILL:
        assert ended == ['two', 'one']


def test_a_stubborn_orphan_kills_itself_and_removes_its_shared_memory(
    folder: Path, segment: Path
) -> None:
    code = (
        'import signal, lerobot_drivers.common.child as c; '
        'c._GRACE_S = dict.fromkeys(c._GRACE_S, 0.1); c.main()'
    )
    arguments = ['stubborn', str(folder / 'events'), 's', str(segment)]
    with subprocess.Popen(
        [sys.executable, '-c', code, *arguments],
        stdin=subprocess.PIPE,
        start_new_session=True,
        cwd=ROOT,
    ) as child:
        wait_for(lambda: events(folder))
        grandchild = int(events(folder)[0].split()[2])
        assert child.stdin is not None
        child.stdin.close()
        assert child.wait(10) == -signal.SIGKILL
    wait_for(lambda: not lives(grandchild))
    assert not segment.exists()


def test_run_ends_when_told_and_returns_who_died(folder: Path) -> None:
    supervisor = Supervisor([sleeper(folder, 'a')], folder / 'logs')
    assert supervisor.run(until=lambda: len(events(folder)) == 1) == []
    deaths = Supervisor([ProcessSpec('arm', 'dying')], folder / 'logs').run()
    assert [death.name for death in deaths] == ['arm']


def test_the_command_line_of_a_node() -> None:
    spec = ProcessSpec(
        'arm',
        'lerobot_drivers.arm_node',
        namespace='follower',
        parameters={'config_file': 'a b.yaml', 'answer': 'on', 'rate': 5.0, 'names': ['x', 'y']},
        remappings={'joint_commands': '/follower/teleop/joint_commands'},
    )
    assert spec.command()[3:] == [
        'lerobot_drivers.arm_node',
        '--ros-args',
        *('-r', '__node:=arm', '-r', '__ns:=/follower'),
        *('-p', 'config_file:="a b.yaml"', '-p', 'answer:="on"'),
        *('-p', 'rate:=5.0', '-p', 'names:=["x", "y"]'),
        *('-r', 'joint_commands:=/follower/teleop/joint_commands'),
    ]


def test_two_processes_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(GraphError, match='must differ, found a, a'):
        Supervisor([ProcessSpec('a', 'x'), ProcessSpec('a', 'y')], tmp_path)


def test_what_is_not_vital_is_told_of_and_no_more(folder: Path) -> None:
    said: list[str] = []
    extra = ProcessSpec('view', 'dying', is_vital=False)
    specs = [sleeper(folder, 'a'), extra]
    with Supervisor(specs, folder / 'logs', say=said.append) as supervisor:
        wait_for(lambda: 'view' not in supervisor.running or supervisor.poll() or said)
        supervisor.check()
        assert list(supervisor.running) == ['a']
    assert said[0].startswith('view ended with exit code 3: error: port /dev/ttyX is not there')


def test_what_a_vital_process_warns_of_is_told(folder: Path) -> None:
    said: list[str] = []
    specs = [ProcessSpec('arm', 'warning'), ProcessSpec('view', 'warning', is_vital=False)]
    with Supervisor(specs, folder / 'logs', say=said.append) as supervisor:
        wait_for(lambda: supervisor.poll() or said)
    assert said == ['arm: lost: the device was unplugged']


def test_those_that_die_together_are_told_together(folder: Path) -> None:
    specs = [ProcessSpec(name, 'dying') for name in ('left_arm', 'right_arm')]
    told = r'(left|right)_arm ended.*(left|right)_arm ended'
    with Supervisor(specs, folder / 'logs') as supervisor, pytest.raises(GraphError, match=told):
        wait_for(lambda: supervisor.check())
    deaths = Supervisor(specs, folder / 'more_logs').run()
    assert sorted(death.name for death in deaths) == ['left_arm', 'right_arm']


def test_a_process_may_be_called_otherwise_than_its_node() -> None:
    command = ProcessSpec('left_arm', 'module', 'left', node='arm').command()
    assert '__node:=arm' in command and '__ns:=/left' in command
