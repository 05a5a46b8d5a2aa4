"""Who may not look, and who may not speak."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from dashboard_stage import Stage, dashboard_stage

from lerobot_recorder.dashboard import guard
from lerobot_recorder.dashboard.access import Access
from lerobot_recorder.dashboard.config import DashboardConfig

TOKEN = 'a-token-of-some-length'


@pytest.fixture
def open_stage():
    with dashboard_stage() as made:
        yield made


@pytest.fixture
def locked_stage():
    with dashboard_stage(token=TOKEN) as made:
        yield made


@pytest.fixture(autouse=True)
def _no_patience(monkeypatch):
    monkeypatch.setattr(guard, 'WRONG_TOKEN_S', 0.0)


@pytest.mark.parametrize(
    'host', ['evil.example', 'evil.example:{}', '127.0.0.1.evil.example', '10.0.0.1:{}', '[::']
)
@pytest.mark.parametrize('path', ['/', '/events', '/static/app.js', '/camera/front'])
def test_a_name_rebound_to_this_machine_sees_nothing(open_stage: Stage, host, path):
    status, text, _ = open_stage.ask(path, Host=host.format(open_stage.config.port))
    assert status == 403 and b'open it as 127.0.0.1 or localhost' in text


@pytest.mark.parametrize('host', ['localhost', '127.0.0.1:9000', 'localhost:1', '[::1]:8000'])
def test_this_machines_own_names_are_known_also_through_a_tunnel(open_stage: Stage, host):
    assert open_stage.ask('/', Host=host)[0] == 200


@pytest.mark.parametrize(
    'origin', ['', 'null', 'http://evil.example', 'https://127.0.0.1:{}', 'http://127.0.0.1:1']
)
def test_pages_of_others_may_not_speak(open_stage: Stage, origin):
    open_stage.operator.heard.clear()
    origin = origin.format(open_stage.config.port)
    status, text, _ = open_stage.ask('/do/stop', 'POST', Origin=origin)
    assert status == 403 and b'only pages of this dashboard' in text
    assert open_stage.operator.heard == []


@pytest.mark.parametrize('site', ['cross-site', 'same-site'])
def test_pages_of_others_may_link_but_not_read(open_stage: Stage, site):
    headers = {'Sec_Fetch_Site': site, 'Sec_Fetch_Mode': 'no-cors'}
    for path in ('/', '/events', '/camera/front', '/episodes'):
        assert open_stage.ask(path, **headers)[0] == 403
    assert open_stage.ask('/', Sec_Fetch_Site=site, Sec_Fetch_Mode='navigate')[0] == 200
    assert open_stage.ask('/events', Sec_Fetch_Site=site, Sec_Fetch_Mode='navigate')[0] == 403


def test_no_page_may_frame_it(open_stage: Stage):
    headers = open_stage.ask('/')[2]
    assert "frame-ancestors 'none'" in headers['Content-Security-Policy']
    assert headers['Cross-Origin-Resource-Policy'] == 'same-origin'
    assert headers['X-Content-Type-Options'] == 'nosniff'


@pytest.mark.parametrize('path', ['/events', '/camera/front', '/episodes', '/static/app.js'])
def test_without_the_token_nothing_is_seen(locked_stage: Stage, path):
    assert locked_stage.ask(path)[0] == 401
    wrong = f'{Access(locked_stage.config).cookie_name}=wrong'
    assert locked_stage.ask(path, Cookie=wrong)[0] == 401


def test_without_the_token_nothing_is_told(locked_stage: Stage):
    assert locked_stage.ask('/do/stop', 'POST')[0] == 401
    assert locked_stage.operator.heard == []


def test_the_first_page_asks_for_the_token(locked_stage: Stage):
    status, page, _ = locked_stage.ask('/')
    assert status == 401 and b'action="/login"' in page and b'role="alert" hidden' in page
    assert locked_stage.ask('/static/style.css')[0] == 200


@pytest.mark.parametrize('by_form', [True, False])
def test_the_token_opens_and_a_cookie_remembers(locked_stage: Stage, by_form):
    if by_form:
        kind = 'application/x-www-form-urlencoded'
        answer = locked_stage.ask('/login', 'POST', f'token={TOKEN}', Content_Type=kind)
    else:
        answer = locked_stage.ask(f'/?token={TOKEN}')
    status, _, headers = answer
    assert (status, headers['Location']) == (303, '/')
    cookie = headers['Set-Cookie']
    assert 'HttpOnly' in cookie and 'SameSite=Strict' in cookie and TOKEN not in cookie
    assert locked_stage.ask('/episodes', Cookie=cookie.partition(';')[0])[0] == 200


@pytest.mark.parametrize('token', ['', 'wrong', TOKEN + 'x', 'ünïcode'])
def test_a_wrong_token_opens_nothing(locked_stage: Stage, token):
    kind = 'application/x-www-form-urlencoded'
    body = f'token={token}'.encode().decode('latin-1')
    status, page, headers = locked_stage.ask('/login', 'POST', body, Content_Type=kind)
    assert status == 401 and b'role="alert" >' in page and 'Set-Cookie' not in headers


def test_a_login_from_a_page_of_others_is_refused(locked_stage: Stage):
    assert locked_stage.ask('/login', 'POST', f'token={TOKEN}', Origin='http://evil')[0] == 403


def test_two_tokens_give_two_cookies():
    first, second = (Access(DashboardConfig(token=TOKEN + end)) for end in 'ab')
    assert first.lets_in(first.cookie) and not first.lets_in(second.cookie)
    assert not first.lets_in(None) and not first.lets_in('') and not first.lets_in('ü')


def test_over_the_network_it_is_encrypted_and_the_cookie_stays_so(tmp_path):
    if shutil.which('openssl') is None:
        pytest.skip('no openssl to make a certificate with')
    files = {'certificate': tmp_path / 'c.pem', 'key': tmp_path / 'k.pem'}
    kind = '-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=robot'
    subprocess.run(
        [
            'openssl',
            'req',
            '-x509',
            *kind.split(),
            '-out',
            str(files['certificate']),
            '-keyout',
            str(files['key']),
        ],
        check=True,
        capture_output=True,
    )
    with dashboard_stage(host='0.0.0.0', token=TOKEN, **files) as stage:
        status, _, headers = stage.ask(f'/?token={TOKEN}', Host=f'robot:{stage.config.port}')
        assert status == 303 and 'Secure' in headers['Set-Cookie']
        assert stage.ask('/episodes')[0] == 401
        origin = f'https://robot:{stage.config.port}'
        cookie = headers['Set-Cookie'].partition(';')[0]
        sent = {'Host': f'robot:{stage.config.port}', 'Origin': origin, 'Cookie': cookie}
        assert stage.ask('/do/save', 'POST', **sent)[0] == 200
