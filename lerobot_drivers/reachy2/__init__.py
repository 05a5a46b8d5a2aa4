"""Reachy 2 on the SDK's side: what runs in the interpreter that has reachy2-sdk.

reachy2-sdk pins versions of grpcio, protobuf, numpy and OpenCV that need not be ours.
Nothing here imports more than the standard library and the SDK; the driver
(``lerobot_drivers.robots.reachy2``) speaks with it through a socket, and never imports it.
"""
