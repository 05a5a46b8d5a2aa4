"""Simulated worlds: arms on pseudo-terminals and cameras that draw them.

A world is one process of its own (``python -m lerobot_drivers.sim.world NAME``) that
holds the truth. Drivers reach it as they reach hardware: arms through a serial port
that speaks the servos' protocol, cameras through a stream of pictures that arrive
tens of milliseconds after exposure. Devices are named ``sim://WORLD/DEVICE``; a world
whose name ends in ``.mujoco`` has physics (``twin``).

Nothing here shares a register table or a codec with ``lerobot_drivers.motors``, so
that the one can test the other.
"""
