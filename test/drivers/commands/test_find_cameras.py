"""``lerobot-ros find-cameras``: cameras, and a picture of each."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from lerobot_drivers import cli
from lerobot_drivers.commands import find_cameras
from lerobot_drivers.setup_tools.camera_search import device_cameras, sim_cameras

RED = (200, 30, 30)


@pytest.fixture
def devices(tmp_path, monkeypatch):
    """A folder of devices: a camera that shows red (a film), and one that shows nothing."""
    # FFmpeg reads it once, when it is first used.
    monkeypatch.setenv('OPENCV_FFMPEG_LOGLEVEL', '-8')
    folder = tmp_path / 'dev'
    folder.mkdir()
    film = folder / 'film.avi'
    writer = cv2.VideoWriter(str(film), cv2.VideoWriter.fourcc(*'MJPG'), 30, (64, 48))
    for _ in range(90):
        writer.write(np.full((48, 64, 3), RED[::-1], np.uint8))
    writer.release()
    film.rename(folder / 'video10')
    (folder / 'video2').write_bytes(b'no camera')
    monkeypatch.setattr(find_cameras, 'device_cameras', lambda: device_cameras(folder))
    return folder


def test_a_picture_of_each_is_saved(devices, tmp_path, capsys):
    out = tmp_path / 'out'
    flags = [f'--output-dir={out}', '--record-time-s=0.1', '--warmup-s=0']
    assert cli.main(['find-cameras', 'opencv', *flags]) == 0
    shown = capsys.readouterr().out
    assert f'camera 0: {devices}/video10: 64x48 at 30/s, MJPG' in shown
    (path,) = out.iterdir()
    assert path.name == f'opencv_{str(devices).replace("/", "_")}_video10.png'
    assert str(path) in shown
    picture = cv2.imread(str(path))[..., ::-1]
    assert np.abs(picture.reshape(-1, 3).mean(0) - RED).max() < 6


def test_a_device_that_is_not_ours_is_told(devices, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr('os.access', lambda path, mode: not str(path).endswith('video2'))
    flags = [f'--output_dir={tmp_path}', '--record_time_s=0', '--warmup_s=0']
    assert cli.main(['find-cameras', *flags]) == 1
    shown = capsys.readouterr().out
    assert f'{devices}/video2: permission denied; sudo usermod' in shown
    assert f'{devices}/video10' in shown


def test_a_camera_that_gives_no_picture_does_not_hide_the_others(
    devices, tmp_path, monkeypatch, capsys
):
    (fine,), _ = device_cameras(devices)
    gone = replace(fine, config=replace(fine.config, index_or_path=str(devices / 'video3')))
    monkeypatch.setattr(find_cameras, 'device_cameras', lambda: ([gone, fine], []))
    flags = [f'--output_dir={tmp_path / "out"}', '--record_time_s=0', '--warmup_s=0']
    assert cli.main(['find-cameras', *flags]) == 1
    shown = capsys.readouterr().out
    assert f'no picture: camera {devices}/video3' in shown
    assert [path.name for path in (tmp_path / 'out').iterdir()] == [fine.file_name]


def test_cameras_of_a_simulated_world(tmp_path, capsys):
    names = [camera.place for camera in sim_cameras('find-cameras')]
    assert names == [f'sim://find-cameras/{view}' for view in ('front', 'side', 'top', 'wrist')]
    flags = [f'--output_dir={tmp_path}', '--record_time_s=0', '--warmup_s=0']
    assert cli.main(['find-cameras', 'sim://find-cameras', *flags]) == 0
    pictures = {path.name: cv2.imread(str(path)) for path in tmp_path.iterdir()}
    assert set(pictures) == {f'sim_find-cameras_{name.rsplit("/", 1)[1]}.png' for name in names}
    assert all(picture.shape == (480, 640, 3) for picture in pictures.values())


@pytest.mark.parametrize(
    ('arguments', 'code', 'told'),
    [
        (['realsense'], 2, 'RealSense cameras show as opencv'),
        (['--record_time_s=long'], 2, 'is a number of seconds'),
        (['--fps=30'], 2, 'fps'),
        (['sim://bad name'], 1, 'not a valid world name'),
    ],
)
def test_what_cannot_be_obeyed_is_told(arguments, code, told, capsys):
    assert cli.main(['find-cameras', *arguments]) == code
    assert told in capsys.readouterr().err


def test_no_camera_at_all(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(find_cameras, 'device_cameras', lambda: device_cameras(tmp_path))
    assert cli.main(['find-cameras']) == 1
    assert 'no camera was found' in capsys.readouterr().err
