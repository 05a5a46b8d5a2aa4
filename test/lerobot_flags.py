"""Every flag of LeRobot 0.6's commands, and of the data-collection guide, with its fate here.

The names were read from LeRobot's v0.6.1 dataclasses: RecordConfig, DatasetRecordConfig, the
encoder configs, SOFollowerConfig, SOLeaderConfig, OpenCVCameraConfig, TeleoperateConfig,
ReplayConfig, and from the arguments of lerobot-dataset-viz.
"""

from __future__ import annotations

from typing import NamedTuple


class Taken(NamedTuple):
    """It does what it says; where it is read is told by ``key`` if that is another name."""

    value: str
    key: str = ''


class Refused(NamedTuple):
    """It cannot be obeyed; the error holds ``told``."""

    value: str
    told: str


RECORD = {
    # RecordConfig
    'resume': Taken('false'),
    'play_sounds': Taken('false'),
    'display_data': Taken('false'),
    'display_mode': Taken('rerun'),
    'display_ip': Taken('192.0.2.7'),
    'display_port': Taken('9876'),
    'display_compressed_images': Taken('true'),
    # DatasetRecordConfig
    'dataset.repo_id': Taken('me/other'),
    'dataset.single_task': Taken('Fold it'),
    'dataset.root': Taken('/tmp/nowhere'),
    'dataset.fps': Taken('15'),
    'dataset.episode_time_s': Taken('7.5'),
    'dataset.reset_time_s': Taken('2.5'),
    'dataset.num_episodes': Taken('7'),
    'dataset.video': Taken('false'),
    'dataset.push_to_hub': Taken('false'),
    'dataset.private': Taken('true'),
    'dataset.tags': Taken('["fold", "towel"]'),
    'dataset.num_image_writer_processes': Taken('1'),
    'dataset.num_image_writer_threads_per_camera': Taken('2'),
    'dataset.streaming_encoding': Taken('true'),
    'dataset.encoder_queue_maxsize': Taken('60'),
    'dataset.encoder_threads': Taken('2'),
    'dataset.no_stamp': Taken('true'),
    'dataset.video_encoding_batch_size': Taken('1'),
    # VideoEncoderConfig
    'dataset.rgb_encoder.vcodec': Taken('h264'),
    'dataset.rgb_encoder.pix_fmt': Taken('yuv420p'),
    'dataset.rgb_encoder.g': Taken('4'),
    'dataset.rgb_encoder.crf': Taken('20'),
    'dataset.rgb_encoder.preset': Taken('fast'),
    'dataset.rgb_encoder.fast_decode': Taken('1'),
    'dataset.rgb_encoder.video_backend': Taken('pyav'),
    'dataset.rgb_encoder.extra_options': Taken('{"tune": "film"}'),
    # DepthEncoderConfig
    'dataset.depth_encoder.vcodec': Taken('hevc'),
    'dataset.depth_encoder.pix_fmt': Taken('gray12le'),
    'dataset.depth_encoder.depth_min': Taken('0.1'),
    'dataset.depth_encoder.depth_max': Taken('5.0'),
    'dataset.depth_encoder.shift': Taken('2.5'),
    'dataset.depth_encoder.use_log': Taken('false'),
    'dataset.depth_encoder.g': Refused('2', 'depth is kept without loss'),
    'dataset.depth_encoder.crf': Refused('30', 'depth is kept without loss'),
    'dataset.depth_encoder.preset': Refused('fast', 'depth is kept without loss'),
    'dataset.depth_encoder.fast_decode': Refused('0', 'depth is kept without loss'),
    'dataset.depth_encoder.video_backend': Refused('pyav', 'depth is kept without loss'),
    'dataset.depth_encoder.extra_options': Refused('{}', 'depth is kept without loss'),
    # RobotConfig, SOFollowerConfig, Reachy2RobotConfig
    'robot.ip_address': Refused('192.0.2.9', 'only a reachy2 has that'),
    'robot.with_neck': Refused('false', 'only a reachy2 has that'),
    'robot.use_external_commands': Refused('true', 'only a reachy2 has that'),
    'robot.with_left_teleop_camera': Refused('true', 'type: reachy2_camera'),
    'robot.camera_width': Refused('640', 'type: reachy2_camera'),
    'robot.type': Taken('so100_follower'),
    'robot.id': Taken('black'),
    'robot.port': Taken('sim://t/other'),
    'robot.calibration_dir': Taken('/nowhere'),
    'robot.disable_torque_on_disconnect': Taken('false'),
    'robot.max_relative_target': Taken('5.0'),
    'robot.cameras': Taken('{}'),
    'robot.use_degrees': Taken('false'),
    'robot.position_p_coefficient': Taken('20'),
    'robot.position_i_coefficient': Taken('1'),
    'robot.position_d_coefficient': Taken('30'),
    'robot.num_read_retries': Taken('4'),
    # BiSOFollowerConfig, and the guide's spellings; this session is of a single arm
    'robot.left_arm_config.port': Refused('/dev/ttyACM0', 'has one arm, on port'),
    'robot.right_arm_config.cameras': Refused('{}', 'has one arm, on port'),
    'robot.left_arm_port': Refused('/dev/ttyACM0', 'has one arm, on port'),
    'robot.right_arm_port': Refused('/dev/ttyACM0', 'has one arm, on port'),
    # TeleoperatorConfig, SOLeaderConfig
    'teleop.type': Taken('so100_leader'),
    'teleop.id': Taken('blue'),
    'teleop.port': Taken('sim://t/another'),
    'teleop.calibration_dir': Taken('/nowhere'),
    'teleop.use_degrees': Taken('false'),
    'teleop.num_read_retries': Taken('3'),
    'teleop.left_arm_config.port': Taken('/dev/ttyACM0'),
    'teleop.left_arm_port': Taken('/dev/ttyACM0'),
    'teleop.right_arm_port': Taken('/dev/ttyACM0'),
    'teleop.control_mode': Refused('7dof', 'the SpaceMouse, which is not built in yet'),
    # the guide's own
    'control_mode': Taken('teleop'),
    'policy.type': Taken('scripted'),
    'policy.path': Refused('me/act', "LeRobot's, and those are not built in yet"),
    'policy.device': Refused('cuda', 'and those are not built in yet'),
    'repo-id': Taken('me/other', 'dataset.repo_id'),
    'root': Taken('/tmp/nowhere', 'dataset.root'),
    'fps': Taken('15', 'dataset.fps'),
    'dataset.episodes': Refused('[0, 1]', 'how many to record is num_episodes'),
}
WRONG_VALUES = {
    'display_mode': Refused('foxglove', 'the live view is rerun'),
    'display_data': Refused('maybe', 'display.display_data'),
    'dataset.streaming_encoding': Refused('false', 'always encoded while they are recorded'),
    'dataset.no_stamp': Refused('false', 'put the date into repo_id'),
    'dataset.video_encoding_batch_size': Refused('4', 'every episode is encoded while'),
    'dataset.encoder_threads': Refused('0', 'at least 1'),
    'dataset.encoder_queue_maxsize': Refused('0', 'at least 1'),
    'dataset.rgb_encoder.vcodec': Refused('libaom-av1', 'vcodec must be one of auto, h264'),
    'dataset.rgb_encoder.video_backend': Refused('torchcodec', "must be 'pyav'"),
    'robot.type': Refused('stretch3', 'known types: '),
    'teleop.type': Refused('gamepad', 'known types: '),
}

CAMERA = {
    'type': Taken('opencv'),
    'index_or_path': Taken('/dev/video7'),
    'width': Taken('320'),
    'height': Taken('240'),
    'fps': Taken('15'),
    'color_mode': Taken('bgr'),
    'rotation': Taken('180'),
    'warmup_s': Taken('2'),
    'fourcc': Taken('MJPG'),
    'backend': Taken('V4L2'),
    'use_depth': Refused('true', 'is not a known key'),
    'image_type': Refused('left', 'only a reachy2_camera has that'),
}
"""Of ``--robot.cameras``, by key; ``use_depth`` stands for what other types of cameras have."""

TELEOPERATE = {
    'teleop_time_s': Taken('5'),
    'fps': Refused('60', 'an arm runs at robot.rate_hz'),
    'display_data': Taken('true'),
    'display_ip': Taken('192.0.2.7'),
    'robots.config_paths': Taken('[a.yaml, b.yaml]'),
    'teleop.port': Taken('/dev/ttyACM1'),
    'robot.id': Taken('black'),
    'policy.path': Refused('me/act', 'a policy drives in lerobot-ros record'),
}
REPLAY = {
    'robot.port': Taken('/dev/ttyACM0'),
    'dataset.repo_id': Taken('me/set'),
    'dataset.root': Taken('/tmp/nowhere'),
    'dataset.episode': Taken('3'),
    'episode-index': Taken('3', 'dataset.episode'),
    'dataset.fps': Refused('30', 'replay at another one is --policy.fps'),
    'policy.fps': Taken('15'),
    'play_sounds': Refused('false', 'only record speaks'),
}
DATASET_VIZ = {
    'repo-id': Taken('me/set', 'dataset.repo_id'),
    'root': Taken('/tmp/nowhere', 'dataset.root'),
    'episode-index': Taken('-1', 'dataset.episode'),
    'output-dir': Taken('/tmp', 'output_dir'),
    'save': Taken('1'),
    'mode': Taken('distant'),
    'web-port': Taken('9091', 'web_port'),
    'grpc-port': Taken('9877', 'grpc_port'),
    'display-compressed-images': Taken('true', 'display_compressed_images'),
    'display-mode': Taken('rerun', 'display_mode'),
    'batch-size': Refused('32', 'no data loaders'),
    'num-workers': Refused('4', 'no data loaders'),
    'tolerance-s': Refused('1e-4', 'lerobot-ros validate checks that'),
    'host': Refused('127.0.0.1', 'it belongs to Foxglove'),
    'no-autoplay': Refused('true', 'it belongs to Foxglove'),
}
