"""The one table of topic names, feature keys and frame ids.

Topic names are relative, so that namespaces and several robots work (REP 135).
"""

from __future__ import annotations

JOINT_STATES = 'joint_states'
JOINT_COMMANDS = 'joint_commands'
JOINT_COMMANDS_SENT = 'joint_commands_sent'
IMAGE_RAW = 'image_raw'
CAMERA_INFO = 'camera_info'
CMD_VEL = 'cmd_vel'
CMD_VEL_SENT = 'cmd_vel_sent'
ODOM = 'odom'
DIAGNOSTICS = '/diagnostics'
ROBOT_DESCRIPTION = 'robot_description'
ARM_MODE = 'arm_mode'
ACTIVE_SOURCE = 'active_source'
RECORDER = 'recorder'
RECORDER_STATUS = 'recorder/status'

OBSERVATION_STATE = 'observation.state'
ACTION = 'action'
IMAGES_PREFIX = 'observation.images.'
OBSERVATION_IMAGE = 'observation.image'

DEFAULT_FEATURES = ('timestamp', 'frame_index', 'episode_index', 'index', 'task_index')


def position_key(joint: str) -> str:
    """Return LeRobot's name of a joint's position, ``<joint>.pos``."""
    return f'{joint}.pos'


def image_key(camera: str) -> str:
    """Return the dataset feature of a camera, ``observation.images.<camera>``."""
    return f'{IMAGES_PREFIX}{camera}'


def image_topic(camera: str) -> str:
    """Return a camera's image topic, relative to its robot's namespace."""
    return f'{camera}/{IMAGE_RAW}'


def optical_frame(camera: str) -> str:
    """Return a camera's optical frame id (REP 103)."""
    return f'{camera}_optical_frame'


def source_topic(source: str) -> str:
    """Return the topic on which a command source (teleop, policy) asks the mux."""
    return f'{source}/{JOINT_COMMANDS}'


def velocity_topic(source: str) -> str:
    """Return the topic on which a command source (policy) asks the mobile base to drive."""
    return f'{source}/{CMD_VEL}'
