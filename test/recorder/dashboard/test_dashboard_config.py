"""Where the dashboard may listen."""

from __future__ import annotations

import importlib.util
import socket

import pytest

from lerobot_drivers.common.errors import ConfigError
from lerobot_recorder.dashboard.config import (
    TOKEN_VARIABLE,
    DashboardConfig,
    dashboard_config,
    prepare,
)
from lerobot_recorder.dashboard.process import dashboard_process

TOKEN = 'a-token-of-some-length'


@pytest.mark.parametrize('values', [True, None, {}])
def test_by_default_it_listens_on_this_machine_alone(values):
    config = dashboard_config(values, {})
    assert config.is_loopback and config.url == 'http://127.0.0.1:8000/'


@pytest.mark.parametrize('host', ['localhost', '127.0.0.1', '127.3.2.1', '::1'])
def test_loopback_needs_nothing(host):
    assert dashboard_config({'host': host}, {}).is_loopback


@pytest.mark.parametrize('host', ['0.0.0.0', '::', '192.168.1.7', 'robot.lab', 'localhost.evil'])
@pytest.mark.parametrize(
    'section', [{}, {'token': TOKEN}, {'certificate': 'c.pem', 'key': 'k.pem'}]
)
def test_the_network_needs_a_token_and_tls(host, section):
    told = f'host {host} can be reached from the network.*--dashboard.token.*ssh -L 8000'
    with pytest.raises(ConfigError, match=told):
        dashboard_config({'host': host, **section}, {})


def test_the_network_with_all_of_them_is_fine():
    section = {'host': '0.0.0.0', 'token': TOKEN, 'certificate': 'c.pem', 'key': 'k.pem'}
    assert dashboard_config(section, {}).url.startswith(f'https://{socket.gethostname()}:')


@pytest.mark.parametrize(
    ('section', 'told'),
    [
        ({'token': 'short'}, 'token must have 16 characters or more, found 5.*secrets'),
        ({'key': 'k.pem'}, 'certificate is missing'),
        ({'certificate': 'c.pem'}, 'key is missing'),
        ({'port': 70000}, 'port must be 0 to 65535, found 70000'),
        ({'prot': 1}, 'dashboard.prot is not a known key'),
        ('maybe', "--dashboard is true or false, or has settings.*'maybe'"),
    ],
)
def test_a_wrong_setting_is_told(section, told):
    with pytest.raises(ConfigError, match=told):
        dashboard_config(section, {})


def test_the_token_may_come_by_the_environment_but_a_flag_wins():
    environment = {TOKEN_VARIABLE: TOKEN}
    assert dashboard_config({}, environment).token == TOKEN
    assert dashboard_config({'token': TOKEN[::-1]}, environment).token == TOKEN[::-1]


def test_the_token_is_on_no_command_line():
    spec = dashboard_process(DashboardConfig(token=TOKEN), '/arm', None)
    assert TOKEN not in ' '.join(spec.command()) and spec.env == {TOKEN_VARIABLE: TOKEN}
    assert not spec.is_vital


def test_a_free_port_is_found_and_one_that_is_taken_is_told():
    config = prepare(DashboardConfig(port=0))
    assert config.port > 0
    with socket.create_server(('127.0.0.1', 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(ConfigError, match=f'port {port}: .*in use; choose another with'):
            prepare(DashboardConfig(port=port))


@pytest.mark.parametrize('text', ['', 'no certificate'])
def test_files_that_are_no_certificate_are_told(tmp_path, text):
    (tmp_path / 'c').write_text(text)
    config = DashboardConfig(certificate=tmp_path / 'c', key=tmp_path / 'c')
    with pytest.raises(ConfigError, match='are no pair of PEM files'):
        prepare(config)
    with pytest.raises(ConfigError, match=r'dashboard\.certificate: cannot read .*No such file'):
        prepare(DashboardConfig(certificate=tmp_path / 'none', key=tmp_path / 'c'))


def test_a_missing_aiohttp_names_the_extra(monkeypatch):
    monkeypatch.setattr(importlib.util, 'find_spec', lambda name: None)
    with pytest.raises(ConfigError, match=r"pip install 'lerobot_ros\[dashboard\]'"):
        prepare(DashboardConfig(port=0))
