"""What each measure is, in a sentence; `lbp-rehab exercises --measures` and its page show them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from lbp_rehab.quality import measures
from lbp_rehab.quality.activation import MUSCLES

_MUSCLE = "activation of the {} over its maximal contraction; without a side the mean of both"
# Of a measure, or of one of a side without its _l or _r.
MEANINGS: Mapping[str, str] = {
    "hip_extension": "angle from shoulder over hip to knee; 180 deg is a straight line, more is "
    "beyond it, and without a side it is the mean of both",
    "knee_flexion": "bend of the knee; 0 is straight, and without a side it is the mean of both",
    "elbow_flexion": "bend of the elbow; 0 is straight, and without a side it is the mean of both",
    "shoulder_flexion": "angle from hip over shoulder to elbow; 0 is the arm along the trunk, "
    "180 deg overhead",
    "leg_elevation": "how far the line from hip to ankle points over the horizontal",
    "thigh_elevation": "how far the thigh, from hip to knee, points over the horizontal",
    "arm_elevation": "how far the line from shoulder to wrist points over the horizontal",
    "diagonal_elevation": "mean of the leg's elevation and of the opposite arm's",
    "hip_joint_height": "height of one hip over the support",
    "foot_height": "height of the ankle over the support",
    "knee_height": "height of the knee over the support",
    "head_side_bend": "line of the ears against that of the hips, seen from the front; head to "
    "that side is positive",
    "hip_height": "height of the hips over the support, in lengths of the thigh",
    "shoulder_height": "mean height of the shoulders over the support",
    "pelvis_height": "mean height of the hips over the support",
    "head_height": "mean height of the ears over the support",
    "hip_obliquity": "slope of the line through the hips against the horizontal; right side up is "
    "positive",
    "shoulder_obliquity": "slope of the line through the shoulders against the horizontal; right "
    "side up is positive",
    "trunk_inclination": "trunk against the vertical; 0 is upright, forwards is positive, lying "
    "prone is 90 deg and supine -90 deg",
    "trunk_lean": "trunk sideways, against the line of the ankles, which stay where they are; "
    "to the left is positive",
    "hips_below_line": "bend at the hips of the line of shoulders, hips and knees, in a body that "
    "is off the ground; towards the ground is positive",
    "trunk_rotation": "line of the shoulders against that of the hips; turned to the left is "
    "positive",
    "neck_flexion": "head against the trunk, by the ears; forwards is positive",
    "neck_side_bend": "head against the trunk, by the ears; to the left is positive",
    "head_flexion": "where the face points against the trunk; chin to chest is positive",
    "knee_distance": "sideways distance of the knees, over that of the hips",
    "knees_sideways": "how far both thighs lean to the same side; to the left is positive",
    "thigh_separation": "angle between the thighs",
    "foot_separation": "distance of the ankles, in lengths of the shank",
    "pelvis_tilt": "tilt of the pelvis against gravity; anterior is positive",
    "pelvis_obliquity": "obliquity of the pelvis against gravity; right side up is positive",
    "pelvis_rotation": "rotation of the pelvis against the camera's view; to the left is positive",
    "lumbar_flexion": "thorax against pelvis; rounding the back is positive",
    "pelvis_tilt_relative": "tilt against the patient's own neutral pelvis",
    "pelvis_obliquity_relative": "obliquity against the patient's own neutral pelvis",
    "pelvis_rotation_relative": "rotation against the patient's own neutral pelvis",
    "lumbar_flexion_relative": "lumbar flexion against the patient's own neutral",
    "belly_rise": "how far the belly wall stands over its level at rest",
    "chest_rise": "how far the chest wall stands over its level at rest",
    "breath_depth": "depth of the chest's breathing over the last seconds, over the usual one",
    **{f"activation_{muscle}": _MUSCLE.format(muscle.replace("_", " ")) for muscle in MUSCLES},
    "co_contraction": "how much flexors and extensors of the trunk work at once, 0 to 1",
    "emg_asymmetry": "right less left activation over their sum, -1 to 1",
    "local_share": "activation of multifidus and internal oblique, over theirs and that of erector "
    "spinae and rectus",
}
# How a value is written in an exercise file.
EXAMPLES = {"rad": "5 deg", "m": "3 cm", "fraction": "0.2"}


@dataclass(frozen=True)
class MeasureRow:
    """One measure for people: all names that share one meaning.

    Attributes
    ----------
    names : tuple of str
        With ``_l``, ``_r``, ``work_`` and ``other_`` where there are such.
    topic, unit, meaning : str
        ``unit`` is "rad", "m" or "fraction".
    """

    names: tuple[str, ...]
    topic: str
    unit: str
    meaning: str

    @property
    def written(self) -> str:
        """The unit as an exercise file has it: "deg", "cm" or "" for a plain number."""
        return EXAMPLES[self.unit].partition(" ")[2]


def stem(name: str) -> str:
    """Return a measure's name without what says its side."""
    whole = name if name in measures.MEASURES else measures.expanded(name)[0]
    return whole[:-2] if whole.endswith(("_l", "_r")) else whole


def measure_rows() -> tuple[MeasureRow, ...]:
    """Return every measure, in the order of `measures.MEASURES`."""
    names: dict[str, list[str]] = {}
    for name in measures.NAMES:
        names.setdefault(stem(name), []).append(name)
    return tuple(
        MeasureRow(tuple(same), measures.source(same[0]), measures.unit(same[0]), MEANINGS[key])
        for key, same in names.items()
    )


def readable(value: float, unit: str) -> str:
    """Return a value in SI as an exercise file has it, for example "131 deg"."""
    if unit == "rad":
        return f"{round(math.degrees(value))} deg"
    return f"{100.0 * value:.1f} cm" if unit == "m" else f"{value:.2f}"
