"""Serial buses of smart servos: packets, control tables, ports, buses, calibration."""
