"""What sets an arm up before it is used: motors, calibration, ports; no terminal, no ROS."""
