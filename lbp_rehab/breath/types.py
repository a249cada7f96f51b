"""Breathing as it travels between cores."""

from __future__ import annotations

from dataclasses import dataclass

from lbp_rehab.estimate import Estimate


@dataclass(frozen=True)
class Breath:
    """How far the trunk's front stands out at an instant; the core's counterpart of ``Breath.msg``.

    Attributes
    ----------
    stamp_ns : int
        Of the depth image.
    belly, chest : Estimate
        Metres, positive outwards, above the level when the patient was first still.
    depth : Estimate
        Depth of the chest's breathing over the last seconds as a fraction of the usual one.
    track_id : int
        Of the ``BodyPose``.
    """

    stamp_ns: int
    frame_id: str
    person_id: str
    belly: Estimate
    chest: Estimate
    depth: Estimate
    track_id: int = 0
