"""Skeletons of other trackers, as files and topics, turned into our 33-point body."""
