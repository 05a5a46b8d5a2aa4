"""Datasets of others, as bags and back: the same numbers in float32."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from bag_round_trip import BESIDES, back

from lerobot_recorder.dataset.dataset_reader import DatasetReader
from lerobot_recorder.to_bag.assumed_outline import Assumptions
from lerobot_recorder.to_bag.outlines import Wishes

DATA = Path(__file__).parents[4] / 'shared/data/lerobot'


@pytest.mark.parametrize('degrees', [False, True])
@pytest.mark.parametrize(
    ('name', 'episode'), [('keertimanney_rebot', 0), ('thewisp_pusht_image_slice', 1)]
)
def test_a_dataset_of_others_comes_back(tmp_path, name, episode, degrees):
    root = DATA / name
    if not root.exists():
        pytest.skip(f'{root} is not there')
    made = back(root, tmp_path, episode, Wishes(assumptions=Assumptions(degrees=degrees)))
    one, other = DatasetReader(root).episode(episode), DatasetReader(made).episode(0)
    assert other.row_tasks == one.row_tasks
    for key in set(one.rows) - set(BESIDES):
        assert np.array_equal(one.rows[key].astype(np.float32), other.rows[key]), key
    for camera in DatasetReader(root).cameras:
        for a, b in zip(one.frames(camera), other.frames(camera), strict=True):
            assert np.array_equal(a, b)
