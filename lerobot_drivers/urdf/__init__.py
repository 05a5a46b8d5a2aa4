"""What the robots look like: URDF files of primitive shapes, joints under LeRobot's names."""
