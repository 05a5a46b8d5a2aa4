"""Pictures changed at random: what is drawn, what it does, that it repeats."""

from __future__ import annotations

import numpy as np
import pytest

from lerobot_drivers.common.config import build
from lerobot_drivers.common.errors import ConfigError
from lerobot_drivers.processors import OBSERVATION
from lerobot_drivers.processors.augment import Change, NoiseSheet
from lerobot_drivers.processors.augmentation import AugmentationConfig
from lerobot_drivers.processors.augmentation_step import ImageAugmentationProcessorStep

SIZE = (48, 64, 3)
ALL = {
    'brightness': 0.3, 'contrast': 0.2, 'saturation': 0.3, 'hue': 0.1, 'rotation': 15,
    'translation': 0.1, 'noise': 6, 'blur': 1.5,
}  # fmt: skip
IMAGE = np.random.default_rng(3).integers(30, 220, SIZE, dtype=np.uint8)


def config(**settings) -> AugmentationConfig:
    return build(AugmentationConfig, settings, 'dataset.augmentation')


def step(cameras=('front', 'wrist'), **settings) -> ImageAugmentationProcessorStep:
    made = ImageAugmentationProcessorStep(config(**settings))
    made.transform_features({OBSERVATION: dict.fromkeys(cameras, SIZE)})
    return made


def film(made, takes=2, rows=3, camera='front') -> list[np.ndarray]:
    pictures = []
    for _ in range(takes):
        made.reset()
        pictures += [made.work(camera)(IMAGE) for _ in range(rows)]
    return pictures


@pytest.mark.parametrize('per', ['episode', 'frame'])
def test_same_seed_same_pictures(per):
    one, same, other = (film(step(**ALL, per=per, seed=seed)) for seed in (5, 5, 6))
    assert all(np.array_equal(a, b) for a, b in zip(one, same, strict=True))
    assert not any(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_an_episode_is_steady_and_no_two_are_alike():
    pictures = film(step(brightness=0.3, rotation=15, seed=1))
    assert np.array_equal(pictures[0], pictures[2]) and not np.array_equal(pictures[0], IMAGE)
    assert not np.array_equal(pictures[0], pictures[3])
    front, wrist = (film(step(rotation=15, seed=1), camera=c) for c in ('front', 'wrist'))
    assert not np.array_equal(front[0], wrist[0])


def test_per_frame_no_two_frames_are_alike():
    pictures = film(step(rotation=15, per='frame', seed=1))
    assert not np.array_equal(pictures[0], pictures[1])


def test_noise_moves_though_the_rest_is_steady():
    pictures = film(step(noise=[6, 6], seed=1), takes=1)
    assert not np.array_equal(pictures[0], pictures[1])
    difference = pictures[0].astype(float) - IMAGE
    assert abs(difference.mean()) < 0.5 and difference.std() == pytest.approx(6.0, rel=0.1)


def test_what_was_drawn_is_told_and_makes_the_pictures_again():
    made = step(brightness=0.3, rotation=15, translation=0.1, seed=9)
    (shown,) = film(made, takes=1, rows=1)
    told = made.episode_info()
    assert (told['settings']['seed'], told['take']) == (9, 0)
    change = Change(**told['cameras']['front'])
    assert change.brightness != 1.0 and change.rotation != 0.0 and change.noise == 0.0
    again = change.colours(change.moved(IMAGE, told['settings']['edges']))
    assert np.array_equal(again, shown)


def test_a_seed_is_drawn_if_none_is_given():
    seeds = {step(brightness=0.1).get_config()['seed'] for _ in range(3)}
    assert len(seeds) == 3 and all(isinstance(seed, int) for seed in seeds)


def test_one_more_wish_does_not_change_the_others():
    alone, both = config(rotation=10), config(rotation=10, brightness=0.2)
    assert alone.draw(1, 2, 'front').rotation == both.draw(1, 2, 'front').rotation


def test_draws_stay_within_what_was_asked_for():
    asked = config(brightness=0.2, rotation=[2, 5], noise=4, hue=0.05)
    drawn = [asked.draw(1, take, 'front') for take in range(200)]
    assert 0.8 <= min(d.brightness for d in drawn) < 0.85
    assert 1.15 < max(d.brightness for d in drawn) <= 1.2
    assert all(2 <= d.rotation <= 5 and 0 <= d.noise <= 4 and abs(d.hue) <= 0.05 for d in drawn)
    assert all(d.contrast == d.saturation == 1.0 and d.blur == d.shift_x == 0.0 for d in drawn)


def test_some_episodes_are_left_alone():
    asked = config(rotation=10, probability=0.25)
    untouched = [asked.draw(1, take, 'front') == Change() for take in range(400)]
    assert 0.65 < np.mean(untouched) < 0.85


def test_colours():
    assert Change().colours(IMAGE) is IMAGE
    brighter = Change(brightness=1.1).colours(IMAGE)
    assert np.abs(brighter - np.clip(IMAGE * 1.1, 0, 255)).max() <= 1
    flat = Change(contrast=0.0).colours(IMAGE)
    assert np.ptp(flat) == 0 and abs(int(flat[0, 0, 0]) - 127.5) <= 1
    grey = Change(saturation=0.0).colours(IMAGE).astype(int)
    assert np.abs(grey[..., 0] - grey[..., 2]).max() <= 1
    middle = np.full(SIZE, (100, 100, 100), np.uint8)
    assert np.abs(Change(hue=0.3, saturation=1.4).colours(middle).astype(int) - 100).max() <= 1
    red = np.full(SIZE, (150, 90, 90), np.uint8)
    third = Change(hue=1 / 3).colours(red)[0, 0].astype(int)
    assert third.argmax() != 0
    back = Change(hue=-1 / 3).colours(Change(hue=1 / 3).colours(red))
    assert np.abs(back.astype(int) - red).max() <= 3


def test_a_turn_turns_counter_clockwise_and_a_shift_goes_right_and_down():
    square = np.zeros((65, 65, 3), np.uint8)
    square[30:35, 50:55] = 255  # right of the middle
    up = Change(rotation=90.0).moved(square, 'black')
    assert up[10:15, 30:35].min() == 255
    assert np.array_equal(Change(rotation=-90.0).moved(up, 'black'), square)
    moved = Change(shift_x=5 / 65, shift_y=10 / 65).moved(square, 'black')
    assert np.array_equal(moved[40:45, 55:60], square[30:35, 50:55])


@pytest.mark.parametrize(('edges', 'corner'), [('black', 0), ('replicate', 200), ('reflect', 200)])
def test_edges_are_filled(edges, corner):
    light = np.full(SIZE, 200, np.uint8)
    assert Change(rotation=45.0).moved(light, edges)[0, 0, 0] == corner


def test_a_sheet_of_noise_lies_at_other_places():
    sheet = NoiseSheet(SIZE[:2], np.random.default_rng(1))
    shown = [sheet.on(IMAGE, 5.0, place) for place in (0, 1, 64, 4095, 4096)]
    assert np.array_equal(shown[0], shown[4])
    assert not any(np.array_equal(shown[0], other) for other in shown[1:4])


def test_depth_is_left_alone_and_refused_by_name():
    features = {OBSERVATION: {'front': SIZE, 'depth': (48, 64, 1), 'a.pos': float}}
    made = ImageAugmentationProcessorStep(config(rotation=5))
    assert made.transform_features(features) == features
    made.reset()
    assert list(made.episode_info()['cameras']) == ['front']
    for named, told in ((['depth'], 'depth sees depth'), (['side'], "no camera 'side'")):
        with pytest.raises(ValueError, match=told):
            ImageAugmentationProcessorStep(config(rotation=5, cameras=named)).transform_features(
                features
            )


@pytest.mark.parametrize(
    ('settings', 'told'),
    [
        ({}, 'nothing is to be changed; give one of brightness'),
        ({'brightness': 0}, 'nothing is to be changed'),
        ({'brightness': -0.1}, 'brightness must be 0 or more'),
        ({'rotation': 200}, 'rotation must be at most 180'),
        ({'rotation': [5, 2]}, 'rotation must be'),
        ({'noise': [-1, 2]}, 'noise must be 0 or more'),
        ({'hue': float('nan')}, 'hue must be at most 0.5'),
        ({'blur': 1, 'probability': 0}, 'probability must be'),
        ({'blur': 1, 'seed': -1}, 'seed must not be negative'),
        ({'blur': 1, 'per': 'row'}, "per: Input should be 'episode' or 'frame'"),
        ({'bright': 1}, 'bright is not a known key'),
    ],
)
def test_what_cannot_be_is_refused(settings, told):
    with pytest.raises(ConfigError, match=told):
        config(**settings)


def test_it_can_be_switched_off():
    assert config(enable=False).enable is False
