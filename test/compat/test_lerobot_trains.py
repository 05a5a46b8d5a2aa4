"""Real LeRobot loads, decodes, windows and trains on what a session recorded."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip('torch', reason='needs the real LeRobot library')
pytest.importorskip('lerobot', reason='needs the real LeRobot library')
pytest.importorskip('rclpy', reason='needs rclpy to record a session')

pytestmark = [pytest.mark.lerobot, pytest.mark.ros, pytest.mark.timeout(400)]

ROOT = Path(__file__).resolve().parents[2]
STEPS = 2


@pytest.fixture(scope='module')
def recorded(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp('recorded') / 'dataset'
    command = [
        sys.executable, '-m', 'lerobot_drivers.cli', 'record',
        f'--config_path={ROOT / "config" / "so101_sim.yaml"}', f'--dataset.root={root}',
        '--dataset.num_episodes=3', '--dataset.episode_time_s=2', '--dataset.reset_time_s=0.5',
    ]  # fmt: skip
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return root


@pytest.fixture(scope='module')
def dataset(recorded):
    from lerobot.datasets.lerobot_dataset import LeRobotDataset

    return LeRobotDataset('local/recorded', root=recorded, video_backend='pyav')


def test_every_frame_decodes(dataset):
    assert len(dataset) == dataset.meta.total_frames == 180
    for index in range(len(dataset)):
        item = dataset[index]
        assert item['observation.state'].shape == (6,)
        for camera in ('front', 'wrist'):
            assert item[f'observation.images.{camera}'].shape == (3, 480, 640)


def test_numbers_are_what_our_reader_reads(dataset, recorded):
    from lerobot_recorder.dataset.dataset_reader import DatasetReader

    for episode in DatasetReader(recorded).episodes():
        for row in (0, episode.length - 1):
            item = dataset[episode.index * 60 + row]
            for key in ('observation.state', 'action'):
                assert np.array_equal(item[key].numpy(), episode.rows[key][row])
            assert item['task'] == episode.tasks[0]


def test_two_training_steps_of_act(recorded, dataset):
    from lerobot.configs.types import FeatureType
    from lerobot.datasets.lerobot_dataset import LeRobotDataset
    from lerobot.datasets.utils import dataset_to_policy_features
    from lerobot.policies.act.configuration_act import ACTConfig
    from lerobot.policies.act.modeling_act import ACTPolicy
    from lerobot.policies.factory import make_pre_post_processors

    features = dataset_to_policy_features(dataset.meta.features)
    outputs = {k: f for k, f in features.items() if f.type is FeatureType.ACTION}
    inputs = {k: f for k, f in features.items() if k not in outputs}
    assert set(inputs) == {
        'observation.state', 'observation.images.front', 'observation.images.wrist',
    }  # fmt: skip
    config = ACTConfig(
        input_features=inputs, output_features=outputs, device='cpu', chunk_size=10,
        n_action_steps=10, dim_model=64, n_heads=4, dim_feedforward=64, n_encoder_layers=1,
        n_vae_encoder_layers=1, pretrained_backbone_weights=None,
    )  # fmt: skip
    policy = ACTPolicy(config)
    prepare, _ = make_pre_post_processors(config, dataset_stats=dataset.meta.stats)
    windows = {'action': [step / dataset.fps for step in range(10)]}
    data = LeRobotDataset(
        'local/recorded', root=recorded, video_backend='pyav', delta_timestamps=windows
    )
    optimizer = torch.optim.AdamW(policy.parameters(), lr=1e-4)
    loader = iter(torch.utils.data.DataLoader(data, batch_size=2, shuffle=True))
    policy.train()
    before = [parameter.detach().clone() for parameter in policy.parameters()]
    for _ in range(STEPS):
        loss, _ = policy.forward(prepare(next(loader)))
        assert torch.isfinite(loss)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    changed = [not torch.equal(a, b) for a, b in zip(before, policy.parameters(), strict=True)]
    assert any(changed)
