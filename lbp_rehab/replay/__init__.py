"""Replay of recordings in lockstep: the real nodes, without DDS, to the same bits each time."""
