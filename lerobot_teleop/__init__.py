"""From the operator to the robot: teleoperators and the command mux that decides who commands."""
