"""Spoken and shown feedback: which cue, when, and the voice."""
