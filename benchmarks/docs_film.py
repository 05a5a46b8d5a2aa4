"""Makes a filmstrip of a dataset for the documentation, as good as its size allows.

``python -m benchmarks.docs_film demo/so101_twin docs/twin.jpg`` after
``lerobot-ros record --config_path=config/so101_twin_sim.yaml --dataset.root=demo/so101_twin``.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import cv2

from lerobot_recorder.dataset.dataset_reader import DatasetReader
from lerobot_recorder.filmstrip import write_filmstrip

WIDTH = 1200
QUALITIES = range(90, 40, -5)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('dataset', type=Path)
    parser.add_argument('picture', type=Path)
    parser.add_argument('--episodes', type=int, default=1, help='at most')
    parser.add_argument('--limit-kb', type=int, default=200)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'film.png'
        write_filmstrip(DatasetReader(options.dataset), path, options.episodes)
        film = cv2.imread(str(path))
    scale = min(WIDTH / film.shape[1], 1.0)
    film = cv2.resize(film, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    for quality in QUALITIES:
        data = cv2.imencode('.jpg', film, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
        if len(data) <= 1000 * options.limit_kb:
            options.picture.write_bytes(data)
            print(f'{options.picture}: {len(data) / 1000:.0f} kB, quality {quality}')
            return
    raise SystemExit(f'it does not fit into {options.limit_kb} kB')


if __name__ == '__main__':
    main()
