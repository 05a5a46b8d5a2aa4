from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import bulk_scene

from lerobot_recorder.bulk import pool
from lerobot_recorder.bulk.pool import Crew, Done, Failed, Progressed
from lerobot_recorder.bulk.worker import Work


def works(*numbers):
    return [Work(str(number), bulk_scene.double, number) for number in numbers]


def test_what_fails_or_dies_is_told_and_the_rest_goes_on():
    with Crew(2) as crew:
        events = list(crew.work_off(works(1, -1, -3, 2, -2, 3)))
        again = list(crew.work_off(works(4)))
    assert again[-1] == Done('4', 8)
    done = {event.name: event.result for event in events if isinstance(event, Done)}
    failed = {event.name: event.why for event in events if isinstance(event, Failed)}
    assert done == {'1': 2, '2': 4, '3': 6}
    assert failed['-1'] == 'bag of minus one'
    assert failed['-2'] == 'unexpected RuntimeError: nobody expected this'
    assert 'SIGKILL' in failed['-3'] and 'out of memory' in failed['-3']
    assert Progressed('1', 1, 2) in events


def test_nothing_to_do_starts_nothing():
    with Crew(4) as crew:
        assert list(crew.work_off([])) == []


def test_an_old_process_gives_way_to_a_new_one(monkeypatch):
    monkeypatch.setattr(pool, 'TASKS_EACH', 2)
    some = [Work(str(n), bulk_scene.process_number, n) for n in range(3)]
    with Crew(1) as crew:
        numbers = [event.result for event in crew.work_off(some)]
    assert numbers[0] == numbers[1] != numbers[2]


def test_who_stops_ends_the_processes(tmp_path):
    mark = tmp_path / 'mark'
    with Crew(2) as crew:
        some = [Work('wait', bulk_scene.tell_and_wait, mark), *works(1)]
        assert isinstance(next(crew.work_off(some)), Progressed)
        number = _number(mark)
    assert (tmp_path / 'mark.ended').exists()
    assert not _lives(number)


def test_a_killed_parent_takes_its_processes_along(tmp_path):
    mark = tmp_path / 'mark'
    program = (
        'import bulk_scene; from pathlib import Path\n'
        'from lerobot_recorder.bulk.pool import Crew\n'
        'from lerobot_recorder.bulk.worker import Work\n'
        'if __name__ == "__main__":\n'
        f'    list(Crew(1).work_off([Work("w", bulk_scene.tell_and_wait, Path({str(mark)!r}))]))\n'
    )
    script = tmp_path / 'parent.py'
    script.write_text(program)
    places = os.pathsep.join([str(Path(bulk_scene.__file__).parent), *sys.path])
    parent = subprocess.Popen([sys.executable, script], env={**os.environ, 'PYTHONPATH': places})
    number = _number(mark)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    _until(lambda: not _lives(number))
    assert (tmp_path / 'mark.ended').exists()


def _number(mark):
    _until(lambda: mark.exists() and mark.read_text())
    return int(mark.read_text())


def _lives(number):
    try:
        state = Path(f'/proc/{number}/stat').read_text().rpartition(')')[2].split()[0]
    except OSError:
        return False
    return state != 'Z'


def _until(condition, seconds=20.0):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)
