"""The dashboard's pages, pictures and words, over a real socket."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import cv2
import numpy as np
import pytest
from dashboard_stage import Stage, dashboard_stage
from synthetic_messages import T0, image, raw

from lerobot_recorder.dashboard import app
from lerobot_recorder.dashboard.app import STATIC
from lerobot_recorder.dashboard.board import RecorderSeen
from lerobot_recorder.dashboard.operator import Answer


@pytest.fixture
def stage() -> Iterator[Stage]:
    with dashboard_stage() as made:
        yield made


def test_the_pages_need_nothing_from_elsewhere(stage):
    status, page, headers = stage.ask('/')
    assert status == 200 and b'https://' not in page and b'http://' not in page
    assert "default-src 'none'" in headers['Content-Security-Policy']
    for name, kind in STATIC.items():
        status, text, headers = stage.ask(f'/static/{name}')
        assert (status, headers.get_content_type()) == (200, kind)
        assert b'//cdn' not in text and b'innerHTML' not in text
    assert {name for name in STATIC if name.encode() not in page} == {
        'page.js', 'cameras.js', 'episodes.js',
    }  # fmt: skip


@pytest.mark.parametrize(
    'path',
    [
        '/static/../app.py', '/static/..%2fapp.py', '/static/%2e%2e/app.py', '/static/index.html',
        '/static//etc/passwd', '/static/%2fetc%2fpasswd', '/camera/..%2f..%2fetc%2fpasswd',
        '/episode/0/..%2f..%2fmeta', '/episode/-1/front', '/episode/9999999999/front', '/nothing',
    ],
)  # fmt: skip
def test_no_path_leads_elsewhere(stage, path):
    assert stage.ask(path)[0] == 404


def test_live_status_comes_at_once_and_again_when_it_changes(stage):
    with stage.events() as events:
        first = next(events)
        assert first['status']['phase'] == 'recording' and first['cameras'] == ['front', 'side']
        assert [entry['name'] for entry in first['health']] == ['recorder: /arm/side', 'arm: bus']
        assert [verb['name'] for verb in first['verbs']] == ['save', 'discard', 'stop']
        assert stage.board.watchers == 1
        stage.board.status = {**stage.board.status, 'phase': 'resetting'}
        changed = next(event for event in events if event['status']['phase'] == 'resetting')
        assert [verb['name'] for verb in changed['verbs']] == ['start', 'stop']


def test_a_browser_that_left_is_not_counted_for_long(stage, monkeypatch):
    monkeypatch.setattr(app, 'MOST_WATCHERS', 1)
    for _ in range(2):
        with stage.events() as events:
            next(events)
        end = time.monotonic() + 10
        while stage.board.watchers and time.monotonic() < end:
            time.sleep(0.01)
    assert stage.board.watchers == 0


def test_no_more_browsers_than_can_be_served(stage, monkeypatch):
    monkeypatch.setattr(app, 'MOST_WATCHERS', 0)
    status, text, _ = stage.ask('/events')
    assert status == 503 and b'browsers look already' in text


def test_a_camera_is_wanted_only_while_it_is_asked_for(stage):
    assert stage.previews.wanted() == set()
    with stage.pictures():
        status, data, headers = stage.ask('/camera/front')
        assert stage.previews.wanted() == {'front'}
    assert (status, headers.get_content_type()) == (200, 'image/jpeg')
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert picture.shape == (120, 160, 3)
    assert abs(int(picture[60, 80, 0]) - 160) < 8, 'blue comes first in what OpenCV reads'
    number = int(headers['X-Picture'])
    with stage.pictures():
        later = stage.ask(f'/camera/front?after={number}')
    assert later[0] == 200 and int(later[2]['X-Picture']) > number


def test_a_camera_that_gives_nothing_is_no_error(stage, monkeypatch):
    monkeypatch.setattr(app, 'PICTURE_PATIENCE_S', 0.1)
    assert stage.ask('/camera/side')[:2] == (204, b'')
    assert stage.ask('/camera/other')[0] == 404


def test_a_picture_that_cannot_be_shown_is_told(stage):
    stage.previews.put(
        'side', raw('/arm/side', image(T0, np.zeros((2, 2, 3), np.uint8), 'odd9'), T0)
    )
    status, text, _ = stage.ask('/camera/side')
    assert status == 415 and b"encoding 'odd9'" in text


def test_words_reach_the_recorder(stage):
    status, answer, _ = stage.ask('/do/save', 'POST')
    assert (status, json.loads(answer)) == (200, {'success': True, 'message': 'so be it'})
    stage.operator.answer = Answer(False, 'not now')
    assert json.loads(stage.ask('/do/stop', 'POST')[1])['success'] is False
    stage.ask('/say/task', 'POST', ' Fold\n it  twice ')
    assert stage.operator.heard == [('save',), ('stop',), ('task', 'Fold it twice')]


@pytest.mark.parametrize(
    ('path', 'body', 'expected'),
    [
        ('/do/format_the_disk', None, 404), ('/say/anything', 'x', 404), ('/say/task', '', 400),
        ('/say/note', 'x' * 1001, 400), ('/say/note', 'x' * 20_000, 413),
    ],
)  # fmt: skip
def test_what_is_no_word_reaches_nobody(stage, path, body, expected):
    assert stage.ask(path, 'POST', body)[0] == expected
    assert stage.operator.heard == []


def test_looking_changes_nothing(stage):
    assert stage.ask('/do/save')[0] == 405 and stage.operator.heard == []


def test_a_recorder_that_does_not_answer_is_told(stage, monkeypatch):
    monkeypatch.setattr(app, 'ANSWER_PATIENCE_S', 0.05)
    stage.operator.answer = None
    assert b'did not answer' in stage.ask('/do/save', 'POST')[1]


def test_without_a_recorder_there_are_no_buttons(stage):
    stage.board.recorder = None
    with stage.events() as events:
        view = next(events)
    assert view['recorder'] is None and view['verbs'] == [] and view['texts'] == []


def test_a_recorder_of_old_has_the_buttons_it_knows(stage):
    stage.board.recorder = RecorderSeen('/', frozenset({'end_episode', 'rerecord', 'stop'}))
    assert [verb['name'] for verb in stage.board.view()['verbs']] == ['save', 'discard', 'stop']
