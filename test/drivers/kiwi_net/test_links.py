"""Two sockets on this machine, and what is told where pyzmq is missing."""

from __future__ import annotations

import importlib.util

import pytest

from lerobot_drivers.commands.lekiwi_host import warnings_of
from lerobot_drivers.common.errors import ConfigError
from lerobot_drivers.kiwi_net import links
from lerobot_drivers.kiwi_net.messages import Dialect

pytest.importorskip('zmq', reason="needs the extra 'lekiwi' (pyzmq)")


@pytest.fixture
def host():
    link = links.HostLink('127.0.0.1', 0, 0, Dialect.MULTIPART)
    yield link
    link.close()


def heard(host, client, tries=200):
    """Send until the other end hears: who has just called is not there yet."""
    for _ in range(tries):
        host.send([b'header', b'jpeg'])
        frames = client.newest(0.05)
        if frames is not None:
            return frames
    raise AssertionError('nothing came')


def test_observations_go_out_and_the_newest_command_comes_in(host):
    client = links.ClientLink('127.0.0.1', *host.ports)
    assert heard(host, client) == [b'header', b'jpeg']
    command = None
    for number in range(200):
        client.send(b'%d' % number)
        command = host.command() or command
        if command is not None and number > 20:
            break
        client.newest(0.01)
    assert command is not None
    client.close(0.2)
    host.command()
    assert host.command() is None


def test_nobody_is_waited_for(host):
    assert host.send([b'x']) is False and host.command() is None
    client = links.ClientLink('127.0.0.1', 1, 1)
    client.send(b'nobody takes it')
    assert client.newest(0.01) is None
    client.close(0.1)


def test_a_port_that_is_taken_is_told(host):
    with pytest.raises(ConfigError, match=f'cannot listen on 127.0.0.1, port {host.ports[0]}'):
        links.HostLink('127.0.0.1', host.ports[0], 0, Dialect.MULTIPART)


def test_without_pyzmq_the_extra_is_named(monkeypatch):
    monkeypatch.setattr(importlib.util, 'find_spec', lambda name: None)
    with pytest.raises(ConfigError, match=r"pip install 'lerobot_ros\[lekiwi\]'"):
        links.ClientLink('127.0.0.1', 1, 2)


@pytest.mark.parametrize('address', ['127.0.0.1', 'localhost', '::1', '127.1.2.3'])
def test_this_machine_alone_needs_no_warning(address):
    assert warnings_of(address, (5555, 5556)) == []


@pytest.mark.parametrize('address', ['0.0.0.0', '192.0.2.7', '::', 'kiwi.local', '*'])
def test_an_address_that_others_reach_is_warned_of(address):
    (told,) = warnings_of(address, (5555, 5556))
    assert 'neither token nor TLS' in told and 'ssh -L 5555:127.0.0.1:5555' in told
