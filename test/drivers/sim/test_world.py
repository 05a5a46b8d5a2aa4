"""Worlds as processes: who starts them, what they do, and that nothing stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path

import numpy as np
import psutil
import pytest
import serial
from bus_frames import packet

from lerobot_drivers.common.clock import SystemClock
from lerobot_drivers.common.errors import ConfigError, DeviceError
from lerobot_drivers.sim.camera_model import View
from lerobot_drivers.sim.client import SimClient
from lerobot_drivers.sim.figure import Body
from lerobot_drivers.sim.kinematics import SO101
from lerobot_drivers.sim.renderer import Renderer
from lerobot_drivers.sim.runtime import runtime_dir
from lerobot_drivers.sim.world_state import WorldState

PATIENCE_S = 10.0
_numbers = count()


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, 'waited too long'
        time.sleep(0.02)


@pytest.fixture
def name():
    return f'w{os.getpid()}-{next(_numbers)}'


@pytest.fixture(scope='module')
def shared():
    """A world for tests that leave it as it was."""
    with SimClient(f'shared{os.getpid()}') as client:
        yield client


def ask(port: serial.Serial, raw: bytes, size: int) -> bytes:
    port.write(raw)
    return port.read(size)


def test_it_ends_after_its_last_client_and_leaves_nothing(name):
    with SimClient(name) as one, SimClient(name) as other:
        pid = one.info()['pid']
        assert other.info()['pid'] == pid
        assert (runtime_dir().stat().st_mode & 0o777) == 0o700
        port = Path(one.attach_arm('follower', 'so101_follower').port)
        assert port.exists()
    wait_for(lambda: not psutil.pid_exists(pid))
    assert not list(runtime_dir().glob(f'{name}*'))


def test_many_clients_at_once_start_one_world(name):
    pids, clients = [], []

    def enter() -> None:
        client = SimClient(name)
        clients.append(client)
        pids.append(client.info()['pid'])

    threads = [threading.Thread(target=enter) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for client in clients:
        client.close()
    assert len(pids) == 6
    assert len(set(pids)) == 1


def test_a_killed_world_is_replaced(name):
    with SimClient(name) as client:
        pid = client.info()['pid']
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(DeviceError, match=name):
            client.info()
    with SimClient(name) as client:
        assert client.info()['pid'] != pid


def test_it_ends_on_sigterm_with_a_client_inside(name):
    with SimClient(name) as client:
        pid = client.info()['pid']
        os.kill(pid, signal.SIGTERM)
        wait_for(lambda: not psutil.pid_exists(pid))
        assert not list(runtime_dir().glob(f'{name}*'))
        with pytest.raises(DeviceError, match=r'ended|answer'):
            client.info()


def test_started_by_hand_it_says_when_it_runs_already(name):
    with SimClient(name):
        command = [sys.executable, '-m', 'lerobot_drivers.sim.world', name]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == f'the simulated world {name} runs already\n'


def test_a_closed_client_says_so(name):
    client = SimClient(name)
    client.close()
    client.close()
    with pytest.raises(DeviceError, match='closed'):
        client.info()


def test_an_arm_is_the_same_for_all(shared):
    first = shared.attach_arm('follower', 'so101_follower')
    with SimClient(shared.world) as other:
        assert other.attach_arm('follower', 'so101_follower') == first
    assert set(first.calibration['gripper']) == {
        'id',
        'drive_mode',
        'homing_offset',
        'range_min',
        'range_max',
    }
    with pytest.raises(ConfigError, match='so101_follower, not a so101_leader'):
        shared.attach_arm('follower', 'so101_leader')
    with pytest.raises(ConfigError, match='known models'):
        shared.attach_arm('other', 'reachy2')


def test_the_servos_have_the_calibration_that_is_handed_out(shared):
    arm = shared.attach_arm('follower', 'so101_follower')
    with serial.Serial(arm.port, 1_000_000, timeout=PATIENCE_S) as port:
        for fields in arm.calibration.values():
            reply = ask(port, packet(fields['id'], 2, 9, 4), 10)
            assert reply[5] | reply[6] << 8 == fields['range_min']
            assert reply[7] | reply[8] << 8 == fields['range_max']
            reply = ask(port, packet(fields['id'], 2, 31, 2), 8)
            offset = reply[5] | reply[6] << 8
            offset = -(offset & 0x7FF) if offset & 0x800 else offset
            assert offset == fields['homing_offset']


def test_register_writes_are_told_in_order(shared):
    arm = shared.attach_arm('log', 'so101_follower')
    with serial.Serial(arm.port, 1_000_000, timeout=PATIENCE_S) as port:
        ask(port, packet(2, 3, 42, 0, 8), 6)
        ask(port, packet(2, 3, 40, 1), 6)
    writes = shared.registers('log')
    assert [(w['id'], w['address'], w['data']) for w in writes] == [(2, 42, [0, 8]), (2, 40, [1])]
    assert writes[0]['stamp_ns'] < writes[1]['stamp_ns'] <= time.time_ns()


def test_the_leader_is_moved_and_remembered(shared):
    shared.attach_arm('leader', 'so101_leader')
    start_ns = shared.info()['start_ns']
    now = shared.truth('leader')
    wait_for(lambda: shared.truth('leader')['position'] != now['position'])
    again = shared.truth('leader', now['stamp_ns'])
    assert again['position'] == now['position']
    assert now['stamp_ns'] > start_ns


def test_unknown_devices_are_named(shared):
    with pytest.raises(ConfigError, match="no arm 'ghost'"):
        shared.truth('ghost')
    with pytest.raises(ConfigError, match="no arm 'ghost'"):
        shared.inject('ghost', 'clear')
    shared.attach_arm('armed', 'so101_follower')
    with pytest.raises(ConfigError, match='is an arm'):
        shared.attach_camera('armed', 64, 48, 30)
    with pytest.raises(ConfigError, match='knows no fault'):
        shared.inject('armed', 'explode')


def test_unplug_and_replug(shared):
    arm = shared.attach_arm('loose', 'so101_follower')
    port = serial.Serial(arm.port, 1_000_000, timeout=1.0)
    shared.inject('loose', 'unplug')
    with pytest.raises(OSError):
        for _ in range(100):
            ask(port, packet(1, 1), 6)
    with pytest.raises(DeviceError, match='unplugged'):
        shared.attach_arm('loose', 'so101_follower')
    shared.inject('loose', 'replug')
    port.close()
    again = shared.attach_arm('loose', 'so101_follower')
    with serial.Serial(again.port, 1_000_000, timeout=PATIENCE_S) as port:
        assert ask(port, packet(1, 1), 6) == packet(1, 0)


def test_a_camera_delivers_even_stamps_late(shared):
    with shared.attach_camera('front', 96, 64, 30) as stream:
        taken = [(*stream.read(PATIENCE_S), time.time_ns()) for _ in range(12)]
    stamps = np.array([stamp for _, stamp, _ in taken])
    arrivals = np.array([arrival for _, _, arrival in taken])
    assert taken[0][0].shape == (64, 96, 3)
    steps = np.diff(stamps) / (1e9 / 30)
    assert np.abs(steps - steps.round()).max() < 1e-3
    assert steps.min() > 0.5
    assert (arrivals - stamps).min() >= 0.030 * 1e9


def test_pictures_show_the_truth_at_their_stamp(name):
    view = View.named('front', 160, 120)
    expected, renderer = np.zeros((120, 160, 3), np.uint8), Renderer(view)
    with SimClient(name) as client:
        client.attach_arm('leader', 'so101_leader')
        with client.attach_camera('front', 160, 120, 30) as stream:
            films = [stream.read(PATIENCE_S) for _ in range(8)]
        truths = [client.truth('leader', stamp)['position'] for _, stamp in films]
    for (image, _), truth in zip(films, truths, strict=True):
        renderer.draw(expected, [Body(SO101, np.array(list(truth.values())), np.eye(4))])
        assert (image == expected).all()
    assert (films[0][0] != films[-1][0]).any()


def test_a_follower_that_moves_is_seen_to_move(shared):
    arm = shared.attach_arm('follower', 'so101_follower')
    goals = [v for f in arm.calibration.values() for v in (f['id'], 0, 8)]
    torque = [v for f in arm.calibration.values() for v in (f['id'], 1)]
    with (
        serial.Serial(arm.port, 1_000_000, timeout=PATIENCE_S) as port,
        shared.attach_camera('front', 160, 120, 30) as stream,
    ):
        still, _ = stream.read(PATIENCE_S)
        port.write(packet(0xFE, 0x83, 40, 1, *torque))
        port.write(packet(0xFE, 0x83, 42, 2, *goals))
        deadline = time.monotonic() + PATIENCE_S
        moved = still
        while (moved == still).all() and time.monotonic() < deadline:
            moved, _ = stream.read(PATIENCE_S)
    assert (moved != still).any()


def test_a_frozen_camera_delivers_nothing(shared):
    with shared.attach_camera('icy', 64, 48, 60) as stream:
        stream.read(PATIENCE_S)
        shared.inject('icy', 'freeze')
        with pytest.raises(DeviceError, match='no picture within'):
            for _ in range(600):
                stream.read(0.5)
        shared.inject('icy', 'clear')
        stream.read(PATIENCE_S)


def test_a_slow_reader_gets_whole_pictures_with_rising_stamps(shared):
    with shared.attach_camera('busy', 64, 48, 120) as stream:
        stamps = []
        for _ in range(4):
            time.sleep(0.15)
            stamps.append(stream.read(PATIENCE_S)[1])
    assert stamps == sorted(set(stamps))


def test_a_camera_says_when_its_world_ends(name):
    with SimClient(name) as client:
        stream = client.attach_camera('front', 64, 48, 30)
        stream.read(PATIENCE_S)
        os.kill(client.info()['pid'], signal.SIGTERM)
        with pytest.raises(DeviceError, match=r'ended|failed'):
            for _ in range(100):
                stream.read(PATIENCE_S)
        stream.close()
        with pytest.raises(DeviceError, match='closed'):
            stream.read()


@pytest.mark.parametrize('size', [(8, 8, 30), (640, 480, 0)])
def test_a_camera_refuses_what_it_cannot_do(shared, size):
    with pytest.raises(ConfigError, match='cannot do'):
        shared.attach_camera('front', *size)


def test_a_world_that_cannot_start_says_why(name, monkeypatch, tmp_path):
    broken = tmp_path / 'python'
    broken.write_text('#!/bin/sh\necho "no such interpreter" >&2\nexit 3\n')
    broken.chmod(0o755)
    monkeypatch.setattr(sys, 'executable', str(broken))
    with pytest.raises(DeviceError, match='did not start: no such interpreter'):
        SimClient(name)
    assert not list(runtime_dir().glob(f'{name}*'))


def test_a_runtime_folder_that_others_can_enter_is_refused(monkeypatch, tmp_path):
    (tmp_path / 'lerobot_ros').mkdir(mode=0o755)
    monkeypatch.setenv('XDG_RUNTIME_DIR', str(tmp_path))
    with pytest.raises(DeviceError, match='0700'):
        SimClient('any')


def test_two_arms_of_an_aloha_look_at_each_other(name):
    state = WorldState(name, SystemClock())
    try:
        for device in ('follower_right', 'follower_left'):
            state.attach_arm(device, 'viperx')
        left, right = (body.place for body in state.bodies(state.start_ns, 'left_wrist'))
        assert left[1, 3] == -right[1, 3] > 0.4
        assert left[:3, 0] == pytest.approx(-right[:3, 0])
    finally:
        state.close()
