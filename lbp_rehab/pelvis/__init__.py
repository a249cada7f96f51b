"""Pelvic and lumbar angles from the pose."""
