"""What the recognition network tells apart."""

from __future__ import annotations

# In the order of the network's outputs. The names are those of config/exercises.
EXERCISES: tuple[str, ...] = (
    "pelvic_tilt", "glute_bridge", "dead_bug", "knee_to_chest", "breathing", "bird_dog",
    "cat_camel", "press_up", "plank", "clam", "side_bridge", "forward_bend", "backward_bend",
)  # fmt: skip
NONE = len(EXERCISES)  # moves, and it is none of the exercises
REST = NONE + 1  # hardly moves, which tells nothing
CLASSES = REST + 1
