"""Benchmarks of the running graph."""
