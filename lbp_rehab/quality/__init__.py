"""Quality of movement: exercises as data, counting, scores and faults with their evidence."""
