"""What augmentation costs per picture, beside the same in plain numpy and in torchvision.

CPU of one thread per picture, the least of several runs, all cores of a fast machine being no help
to a recorder. torchvision is measured where it is installed (``pip install torchvision``).

    python -m benchmarks.augmentation
    python -m benchmarks.augmentation --width 1280 --height 720
"""

from __future__ import annotations

import argparse
import importlib
import os
import platform
import time
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lerobot_drivers.processors.augmentation import AugmentationConfig
from lerobot_drivers.processors.augmentation_step import ImageAugmentationProcessorStep

Pixels = NDArray[np.uint8]
RUNS = 7
SETTINGS: dict[str, dict[str, Any]] = {
    'brightness 1.2': {'brightness': [1.2, 1.2]},
    'brightness, contrast 1.2': {'brightness': [1.2, 1.2], 'contrast': [1.2, 1.2]},
    'saturation 1.2, hue 0.1': {'saturation': [1.2, 1.2], 'hue': [0.1, 0.1]},
    'rotation 5 deg': {'rotation': [5.0, 5.0]},
    'noise 5': {'noise': [5.0, 5.0]},
    'blur 1 px': {'blur': [1.0, 1.0]},
    'all of them': {
        'brightness': [1.2, 1.2], 'contrast': [1.2, 1.2], 'saturation': [1.2, 1.2],
        'hue': [0.1, 0.1], 'rotation': [5.0, 5.0], 'noise': [5.0, 5.0], 'blur': [1.0, 1.0],
    },
}  # fmt: skip


def in_numpy(image: Pixels, name: str) -> Pixels | None:
    """Return what one would write without thinking of the cost; None where that is not numpy."""
    values = image.astype(np.float32)
    if name == 'brightness 1.2':
        values = values * 1.2
    elif name == 'brightness, contrast 1.2':
        values = (values * 1.2 - 127.5) * 1.2 + 127.5
    elif name == 'noise 5':
        values = values + np.random.default_rng().normal(0.0, 5.0, image.shape)
    else:
        return None
    return np.clip(values, 0, 255).astype(np.uint8)


def in_torchvision(name: str) -> Callable[[Any], Any] | None:
    """Return torchvision's own function for a change, None where there is none."""
    try:
        functional = importlib.import_module('torchvision.transforms.v2.functional')
        importlib.import_module('torch').set_num_threads(1)
    except ImportError:
        return None
    bilinear = importlib.import_module('torchvision.transforms').InterpolationMode.BILINEAR
    known: dict[str, Callable[[Any], Any]] = {
        'brightness 1.2': lambda image: functional.adjust_brightness(image, 1.2),
        'brightness, contrast 1.2': lambda image: functional.adjust_contrast(
            functional.adjust_brightness(image, 1.2), 1.2
        ),
        'saturation 1.2, hue 0.1': lambda image: functional.adjust_hue(
            functional.adjust_saturation(image, 1.2), 0.1
        ),
        'rotation 5 deg': lambda image: functional.rotate(image, 5.0, interpolation=bilinear),
        'blur 1 px': lambda image: functional.gaussian_blur(image, [7, 7], [1.0, 1.0]),
    }
    return known.get(name)


def cpu_ms(work: Callable[[], object], times: int) -> float:
    """Return the CPU of a piece of work, the least of several runs [ms]."""
    work()
    best = float('inf')
    for _ in range(RUNS):
        begun = time.process_time()
        for _ in range(times):
            work()
        best = min(best, (time.process_time() - begun) / times * 1e3)
    return best


def measure(name: str, image: Pixels, times: int) -> None:
    step = ImageAugmentationProcessorStep(AugmentationConfig(seed=1, **SETTINGS[name]))
    step.transform_features({'observation': {'front': image.shape}})
    step.reset()
    ours = cpu_ms(lambda: step.work('front')(image), times)
    told = [f'{ours:8.2f}']
    is_numpy = in_numpy(image, name) is not None
    told.append(
        f'{cpu_ms(lambda: in_numpy(image, name), times):8.2f}' if is_numpy else f'{"-":>8}'
    )
    change = in_torchvision(name)
    if change is None:
        told.append(f'{"-":>12}')
    else:
        tensor = importlib.import_module('torch').from_numpy(image.transpose(2, 0, 1).copy())
        told.append(f'{cpu_ms(lambda: change(tensor), times):12.2f}')
    print(f'{name:28}{"".join(told)}')


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--width', type=int, default=640)
    parser.add_argument('--height', type=int, default=480)
    parser.add_argument('--times', type=int, default=20)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    shape = (options.height, options.width, 3)
    image = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    print(
        f'{options.width}x{options.height}, CPU ms per picture; {os.cpu_count()} cores '
        f'{platform.machine()}, load {os.getloadavg()[0]:.1f}; OpenCV {cv2.__version__}'
    )
    print(f'{"":28}{"ours":>8}{"numpy":>8}{"torchvision":>12}')
    for name in SETTINGS:
        measure(name, image, options.times)


if __name__ == '__main__':
    main()
