"""LeKiwi over a network, as LeRobot speaks it: JSON and JPEG over ZeroMQ, no pickle."""
