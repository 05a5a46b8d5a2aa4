"""Records small episodes without end until it is killed; started by test_crash.py.

Tells `durable|N` when episode N is on the disk.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from lerobot_recorder.dataset.dataset_writer import DatasetWriter
from lerobot_recorder.dataset.info import DatasetInfo
from lerobot_recorder.dataset.picture import ArrayPicture

CAMERA = 'observation.images.front'
INFO = DatasetInfo(
    30,
    {
        'action': {'dtype': 'float32', 'shape': [2], 'names': ['a', 'b']},
        CAMERA: {'dtype': 'video', 'shape': [48, 64, 3], 'names': ['height', 'width', 'channels']},
    },
)


def tell(*words: object) -> None:
    sys.stdout.write('|'.join(str(word) for word in words) + '\n')
    sys.stdout.flush()


def main() -> None:
    root = Path(sys.argv[1])
    opened = (root / 'meta/info.json').exists() or (root / '.recording').exists()
    writer = DatasetWriter.resume(root, INFO) if opened else DatasetWriter.create(root, INFO)
    with writer:
        tell('open', writer.num_episodes, *writer.notices)
        while True:
            episode = writer.num_episodes
            for frame in range(12 + 7 * (episode % 3)):
                values = {'action': np.array([episode, frame], np.float32)}
                picture = np.full((48, 64, 3), (frame * 5) % 200 + 20, np.uint8)
                writer.add_frame(values, {CAMERA: ArrayPicture(picture)}, f'Task {episode % 4}')
            writer.save_episode()
            tell('durable', episode)


if __name__ == '__main__':
    main()
