from __future__ import annotations

import shutil
import time
from pathlib import Path

import hub_standin
import pytest
from hub_scene import Uploader, record


@pytest.fixture
def hub(monkeypatch):
    """The stand-in, to which all that runs in this process and its children goes."""
    import huggingface_hub
    from huggingface_hub import constants
    from huggingface_hub.utils import _http

    with hub_standin.running() as server:
        for name, value in {
            'HF_ENDPOINT': server.url,
            'HF_TOKEN': hub_standin.TOKEN,
            'HF_HUB_OFFLINE': '0',
            'HF_HUB_DISABLE_XET': '1',
        }.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(constants, 'HF_HUB_OFFLINE', False)
        monkeypatch.setattr(constants, 'HF_HUB_DISABLE_XET', True)
        monkeypatch.setattr(constants, 'HF_HUB_DISABLE_PROGRESS_BARS', True)
        monkeypatch.setattr(constants, 'ENDPOINT', server.url)
        monkeypatch.setattr(
            constants, 'HUGGINGFACE_CO_URL_TEMPLATE',
            server.url + '/{repo_id}/resolve/{revision}/{filename}',
        )  # fmt: skip
        monkeypatch.setattr(_http, 'time', _NoWaiting())
        yield server
        huggingface_hub.close_session()


class _NoWaiting:
    """huggingface_hub's own patience takes no time."""

    def __getattr__(self, name):
        return (lambda seconds: None) if name == 'sleep' else getattr(time, name)


@pytest.fixture(scope='session')
def _template(tmp_path_factory):
    return record(tmp_path_factory.mktemp('template') / 'pick', 3)


@pytest.fixture
def root(tmp_path, _template):
    """A dataset of three episodes."""
    return Path(shutil.copytree(_template, tmp_path / 'pick'))


@pytest.fixture
def uploader(hub, root):
    return Uploader(root)
