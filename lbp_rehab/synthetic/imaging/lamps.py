"""Lamps of a room, drawn at random."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lbp_rehab.synthetic.draws import Draws
from lbp_rehab.synthetic.imaging.surfaces import Colour


@dataclass(frozen=True)
class Light:
    """The light of a room; strengths are linear.

    Attributes
    ----------
    towards : tuple of float
        Direction towards the lamp that casts shadows.
    fill_towards : tuple of float
        Direction towards a lamp that casts none.
    tint : tuple of float
        Colour after the camera's white balance.
    sun, fill, ambient : float
        Of the lamps and of light from everywhere.
    softness_m : float
        Width of the edge of a shadow.
    """

    towards: tuple[float, float, float] = (-0.35, 0.55, 1.5)
    fill_towards: tuple[float, float, float] = (0.6, -0.5, 0.8)
    tint: Colour = (1.0, 1.0, 1.0)
    sun: float = 0.42
    fill: float = 0.14
    ambient: float = 0.36
    softness_m: float = 0.05


def sample_light(draws: Draws) -> Light:
    """Draw the light of a room."""
    azimuth, elevation = draws.uniform(0.0, 2 * np.pi), np.radians(draws.uniform(42.0, 84.0))
    other = azimuth + np.pi + draws.uniform(-1.0, 1.0)
    brightness, ambient = draws.uniform(0.72, 1.12), draws.uniform(0.35, 0.65)
    fill = draws.uniform(0.10, 0.22)
    # What is left of a lamp's colour temperature after the camera's white balance.
    warm = draws.uniform(-0.07, 0.09)
    return Light(
        towards=_direction(azimuth, elevation),
        fill_towards=_direction(other, np.radians(draws.uniform(20.0, 55.0))),
        tint=(1.0 + warm, 1.0 + draws.uniform(-0.015, 0.015), 1.0 - warm),
        sun=brightness * (1.0 - ambient - fill),
        fill=brightness * fill,
        ambient=brightness * ambient,
        softness_m=draws.uniform(0.02, 0.16),
    )


def _direction(azimuth: float, elevation: float) -> tuple[float, float, float]:
    level = float(np.cos(elevation))
    return (
        level * float(np.cos(azimuth)),
        level * float(np.sin(azimuth)),
        float(np.sin(elevation)),
    )
