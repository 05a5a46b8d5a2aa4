"""What draws must be chosen before MuJoCo is imported, as ``engine`` does."""

import os

from lerobot_drivers.sim.twin.engine import choose_gl

os.environ.setdefault('MUJOCO_GL', choose_gl())
