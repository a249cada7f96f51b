"""Breathing: how far the walls of the belly and of the chest rise."""
