"""Worlds with physics: MuJoCo moves the arm behind the same emulated servos.

A world whose name ends in ``.mujoco`` has gravity, contact and a task: a cube on the
table that belongs on a tray. Only this package imports MuJoCo (extra ``sim``).
"""
