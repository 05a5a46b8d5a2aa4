"""A take ends, saved, before memory or disk run out, and none begins until there is room."""

from __future__ import annotations

from pathlib import Path

import pytest
from recording_stage import Stage, lengths
from synthetic_messages import S

from lerobot_recorder.disk_guard import DiskGuard, free_bytes
from lerobot_recorder.memory_guard import MB, Memory, MemoryGuard, read_memory
from lerobot_recorder.recorder_status import Phase
from lerobot_recorder.resource_guard import LOOKS_APART, ResourceGuard, Shortage

GB = 1 << 30


class Check:
    """A check whose answer is set by hand."""

    def __init__(self):
        self.answer, self.asked = None, 0

    def __call__(self):
        self.asked += 1
        return self.answer


def guarded(**session):
    stage, check = Stage(**session), Check()
    stage.recorder.guard = ResourceGuard([check])
    return stage, check


def test_a_running_take_is_kept_as_incomplete():
    stage, check = guarded(reset_ns=S)
    stage.run_to(Phase.RECORDING)
    stage.run(0.4)
    check.answer = Shortage('disk: 3 MB are left', is_critical=True)
    stage.run(until=lambda: bool(stage.kept.episodes))
    assert 5 < lengths(stage)[0] < 30
    record = stage.kept.episodes[0][1]
    assert record.outcome == 'incomplete'
    assert record.details['ended'] == 'disk: 3 MB are left'
    assert 'disk: 3 MB are left' in stage.recorder.message


def test_no_take_begins_while_it_lasts():
    stage, check = guarded(num_episodes=1)
    check.answer = Shortage('memory: 9 MB are left', is_critical=True)
    stage.run(30)
    assert stage.recorder.phase is Phase.WARMUP and not stage.kept.rows
    assert stage.recorder.message == 'no take begins: memory: 9 MB are left'
    stage.recorder.end_episode()
    stage.run(1)
    assert not stage.kept.rows
    check.answer = None
    stage.run()
    assert lengths(stage) == [30]


def test_the_reset_goes_on_while_it_lasts():
    stage, check = guarded(num_episodes=2, reset_ns=S)
    stage.run_to(Phase.RESETTING)
    check.answer = Shortage('x', is_critical=True)
    stage.run(5)
    stage.recorder.end_episode()
    assert stage.recorder.phase is Phase.RESETTING
    stage.recorder.stop()
    assert stage.recorder.is_done


def test_a_warning_is_told_once_each_time():
    check = Check()
    guard = ResourceGuard([check])

    def looked():
        for _ in range(LOOKS_APART):
            guard.look()
        return guard.told()

    assert looked() == []
    check.answer = Shortage('low', is_critical=False)
    assert [looked(), looked()] == [['low'], []]
    assert guard.problem is None
    check.answer = None
    looked()
    check.answer = Shortage('low again', is_critical=False)
    assert looked() == ['low again']
    assert check.asked == 5


def test_the_words_of_a_problem_stay_while_it_lasts():
    check = Check()
    guard = ResourceGuard([check])
    for line in ('9 MB', '8 MB'):
        check.answer = Shortage(line, is_critical=True)
        for _ in range(LOOKS_APART):
            guard.look()
    assert guard.problem == '9 MB'


@pytest.mark.parametrize(
    ('available', 'own', 'expected'),
    [
        (8 * GB, GB, None),
        (900 * MB, GB, False),
        (400 * MB, GB, True),
        (8 * GB, 1700 * MB, False),
        (8 * GB, 2100 * MB, True),
    ],
)
def test_memory(available, own, expected):
    memory = Memory(16 * GB, available, own)
    given_back = []
    guard = MemoryGuard(2 * GB, lambda: memory, lambda: given_back.append(1))
    shortage = guard()
    assert (shortage and shortage.is_critical) is expected
    assert bool(given_back) is (expected is True)


def test_memory_that_the_allocator_gives_back_is_no_shortage():
    held = [3 * GB]
    guard = MemoryGuard(
        2 * GB, lambda: Memory(16 * GB, 8 * GB, held[0]), lambda: held.append(held.pop() // 3)
    )
    assert guard() is None


def test_the_limit_is_a_share_of_what_is_there_at_the_start():
    memory = [Memory(16 * GB, 8 * GB, GB)]
    guard = MemoryGuard(None, lambda: memory[-1], lambda: None)
    memory.append(Memory(16 * GB, 8 * GB, 7 * GB + MB))
    shortage = guard()
    assert shortage is not None and shortage.is_critical
    assert 'of the 7168 MB it may' in shortage.line


def test_a_small_machine_needs_less():
    guard = MemoryGuard(GB, lambda: Memory(2 * GB, 250 * MB, MB), lambda: None)
    assert guard() is None


def test_where_nobody_tells_nothing_is_guarded(tmp_path):
    assert read_memory(tmp_path) is None
    assert MemoryGuard(MB, lambda: None)() is None


def proc(folder: Path, group: str) -> Path:
    (folder / 'self').mkdir(parents=True)
    (folder / 'meminfo').write_text('MemTotal: 8192 kB\nMemFree: 1 kB\nMemAvailable: 4096 kB\n')
    (folder / 'self/statm').write_text('900 3 2 1 0 1 0\n')
    (folder / 'self/cgroup').write_text(group)
    return folder


@pytest.mark.parametrize('names', ['v2', 'v1'])
def test_a_container_has_what_its_group_leaves(tmp_path, names):
    group = tmp_path / 'group'
    inner = group / ('lab/job' if names == 'v2' else 'memory')
    inner.mkdir(parents=True)
    limit, used, cache = {
        'v2': ('memory.max', 'memory.current', 'inactive_file'),
        'v1': ('memory.limit_in_bytes', 'memory.usage_in_bytes', 'total_inactive_file'),
    }[names]
    (inner / limit).write_text('3000000\n')
    (inner / used).write_text('2000000\n')
    (inner / 'memory.stat').write_text(f'anon 5\n{cache} 500000\n')
    told = proc(tmp_path / 'proc', '0::/lab/job\n' if names == 'v2' else '4:memory:/x\n')
    memory = read_memory(told, group)
    assert memory is not None
    assert (memory.total, memory.available) == (8192 * 1024, 1500000)
    (inner / limit).write_text('max\n')
    memory = read_memory(told, group)
    assert memory is not None and memory.available == 4096 * 1024


def test_this_machine_is_read():
    memory = read_memory()
    assert memory is not None
    assert MB < memory.own < memory.total and 0 < memory.available <= memory.total


def test_disk(tmp_path):
    room = {tmp_path / 'set': 500, tmp_path / 'bags': 500}
    guard = DiskGuard(list(room), 100, room.__getitem__)
    assert guard() is None
    room[tmp_path / 'bags'] = 150
    shortage = guard()
    assert shortage is not None and not shortage.is_critical
    room[tmp_path / 'bags'] = 99
    shortage = guard()
    assert shortage is not None and shortage.is_critical
    assert f'left for {tmp_path / "bags"}' in shortage.line


def test_the_room_for_a_folder_that_is_not_there_yet(tmp_path):
    assert free_bytes(tmp_path / 'a/b/c') > 0


def test_a_folder_nobody_can_ask_about_is_left_to_who_writes_there(tmp_path):
    def refused(folder):
        raise PermissionError(folder)

    assert DiskGuard([tmp_path], 100, refused)() is None
