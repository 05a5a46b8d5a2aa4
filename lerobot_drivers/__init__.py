"""Devices as ROS 2 nodes, and everything the four packages share.

The base layer: motor buses, robots, cameras and their simulated world, each
plain Python; thin nodes put them on topics. ``lerobot_drivers.common`` holds
what every package needs: errors, names, configuration, time and units.
"""
