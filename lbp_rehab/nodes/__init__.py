"""ROS shells: one node a module, parameters and topics only."""
