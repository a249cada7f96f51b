"""Benchmarks of the running graph, and of the estimators on synthetic patients."""
