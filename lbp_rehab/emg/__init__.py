"""Surface EMG: sources, filters, quality, activation, onsets, fatigue; imports no ROS."""
