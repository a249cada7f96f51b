"""Layouts of other trackers' skeletons: their joints in order, and which of our points each is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from lbp_rehab.errors import InputError
from lbp_rehab.pose.skeleton import NAMES
from lbp_rehab.pose.types import Mode

_NOT_A_LETTER = re.compile(r"[^a-z0-9]")


class Scale(Enum):
    """What the fourth number of a joint says.

    ``KINECT`` is TrackingState of the Kinect for Windows SDK 2.0: 0 not tracked, 1 inferred,
    2 tracked. ``AZURE`` is k4abt_joint_confidence_level_t: 0 none, 1 low (not seen, predicted),
    2 medium, 3 high. ``FRACTION`` is a confidence of 0 to 1.
    """

    KINECT = "kinect"
    AZURE = "azure"
    FRACTION = "fraction"


@dataclass(frozen=True)
class Layout:
    """One tracker's skeleton.

    Attributes
    ----------
    name, title : str
    joints : tuple of str
        The tracker's names in the tracker's order.
    points : mapping
        Name of our point to that of the joint which is the same place of the body; points that
        are not named here stay unknown.
    scale : Scale
        Of the fourth number of a joint in a file without a header.
    up : str
        Axis against gravity of the tracker's own frame while the camera is level.
    sigma_m : float
        Default 1-sigma of a tracked joint along each axis.
    factors : mapping
        How many times less certain some of our points are; 1 where not named.
    mode : Mode
        What the tracker measures with.
    """

    name: str
    title: str
    joints: tuple[str, ...]
    points: Mapping[str, str]
    scale: Scale
    up: str
    sigma_m: float
    factors: Mapping[str, float] = field(default_factory=dict)
    mode: Mode = Mode.RGB_DEPTH

    def index(self, column: str) -> int | None:
        """Return which joint a name in a header means; None if it is none of them.

        Capitals and punctuation do not matter; our own names are understood too.
        """
        return _spellings(self).get(plain(column))


def plain(name: str) -> str:
    """Return a name without capitals and punctuation."""
    return _NOT_A_LETTER.sub("", name.lower())


def _spellings(layout: Layout) -> dict[str, int]:
    ours = {plain(mine): layout.joints.index(theirs) for mine, theirs in layout.points.items()}
    return ours | {plain(joint): i for i, joint in enumerate(layout.joints)}


def find_layout(name: str) -> Layout:
    """Return a layout by its name; raises InputError if there is none."""
    if name not in LAYOUTS:
        raise InputError(
            f"there is no skeleton layout '{name}'; known are {', '.join(LAYOUTS)} "
            "(docs/skeletons.md)"
        )
    return LAYOUTS[name]


def _both_sides(pairs: Mapping[str, str]) -> dict[str, str]:
    """Return our left and right points with the joints ``pattern % side`` of a Kinect."""
    out: dict[str, str] = {}
    for ours, theirs in pairs.items():
        out |= {f"l_{ours}": theirs.format("Left"), f"r_{ours}": theirs.format("Right")}
    return out


def _coco(names: tuple[str, ...]) -> dict[str, str]:
    """Return the points that are called ``left_X`` and ``right_X`` there, ``l_X``, ``r_X`` here."""
    renamed = {n.replace("left_", "l_").replace("right_", "r_"): n for n in names}
    return {ours: theirs for ours, theirs in renamed.items() if ours in NAMES}


# Kinect for Windows SDK 2.0, enumeration JointType.
_KINECT25 = (
    "SpineBase", "SpineMid", "Neck", "Head",
    "ShoulderLeft", "ElbowLeft", "WristLeft", "HandLeft",
    "ShoulderRight", "ElbowRight", "WristRight", "HandRight",
    "HipLeft", "KneeLeft", "AnkleLeft", "FootLeft",
    "HipRight", "KneeRight", "AnkleRight", "FootRight",
    "SpineShoulder", "HandTipLeft", "ThumbLeft", "HandTipRight", "ThumbRight",
)  # fmt: skip

# Azure Kinect Body Tracking SDK 1.1, enumeration k4abt_joint_id_t.
_AZURE32 = (
    "Pelvis", "SpineNavel", "SpineChest", "Neck",
    "ClavicleLeft", "ShoulderLeft", "ElbowLeft", "WristLeft", "HandLeft", "HandTipLeft",
    "ThumbLeft",
    "ClavicleRight", "ShoulderRight", "ElbowRight", "WristRight", "HandRight", "HandTipRight",
    "ThumbRight",
    "HipLeft", "KneeLeft", "AnkleLeft", "FootLeft",
    "HipRight", "KneeRight", "AnkleRight", "FootRight",
    "Head", "Nose", "EyeLeft", "EarLeft", "EyeRight", "EarRight",
)  # fmt: skip

# Lin et al. 2014, Microsoft COCO.
_COCO17 = (
    "nose", "left_eye", "right_eye", "left_ear", "right_ear",
    "left_shoulder", "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist",
    "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle",
)  # fmt: skip

# Fang et al. 2022, AlphaPose: Halpe-FullBody, its first 26 points.
_HALPE26 = (
    *_COCO17, "head", "neck", "hip",
    "left_big_toe", "right_big_toe", "left_small_toe", "right_small_toe",
    "left_heel", "right_heel",
)  # fmt: skip

# Bazarevsky et al. 2020, BlazePose, as MediaPipe's PoseLandmark names them.
_BLAZEPOSE33 = (
    "nose", "left_eye_inner", "left_eye", "left_eye_outer",
    "right_eye_inner", "right_eye", "right_eye_outer", "left_ear", "right_ear",
    "mouth_left", "mouth_right", "left_shoulder", "right_shoulder", "left_elbow", "right_elbow",
    "left_wrist", "right_wrist", "left_pinky", "right_pinky", "left_index", "right_index",
    "left_thumb", "right_thumb", "left_hip", "right_hip", "left_knee", "right_knee",
    "left_ankle", "right_ankle", "left_heel", "right_heel", "left_foot_index", "right_foot_index",
)  # fmt: skip

_LIMBS = {
    "shoulder": "Shoulder{}", "elbow": "Elbow{}", "wrist": "Wrist{}", "hip": "Hip{}",
    "knee": "Knee{}", "ankle": "Ankle{}", "toe": "Foot{}",
}  # fmt: skip
# Otte et al. 2016, PLoS ONE 11(11):e0166532, find the noise of feet and ankles larger than that of
# all other joints.
_FEET = {"l_ankle": 1.5, "r_ankle": 1.5, "l_toe": 2.0, "r_toe": 2.0}

# The sigmas are of what changes over time, which is what the scorer takes them for: the constant
# offset between a tracker's joint and the anatomical one, some centimetres (Wang et al. 2015, ICHI,
# 10.1109/ICHI.2015.54), is not in them. Kinect v2: bones of a recording of KIMORE's first exercise
# vary by 12 to 22 mm (1-sigma), which is 9 to 16 mm at each end. Azure Kinect is more precise
# (Tolgyessy et al. 2021, Appl. Sci. 11(12):5756). Points lifted by a depth camera: a little more
# than our own (docs/benchmarks/pose.md, 20 mm in space); BlazePose without depth: twice that.
LAYOUTS: Mapping[str, Layout] = {
    layout.name: layout
    for layout in (
        Layout(
            "kinect25", "Kinect v2", _KINECT25, _both_sides(_LIMBS), Scale.KINECT, "y", 0.015,
            _FEET, Mode.DEPTH_ONLY,
        ),
        Layout("coco17", "COCO", _COCO17, _coco(_COCO17), Scale.FRACTION, "-y", 0.02),
        Layout(
            "blazepose33", "BlazePose (MediaPipe world landmarks)", _BLAZEPOSE33,
            dict(zip(NAMES, _BLAZEPOSE33, strict=True)), Scale.FRACTION, "-y", 0.04,
            mode=Mode.ROOT_RELATIVE,
        ),
        Layout(
            "halpe26", "Halpe, body with feet", _HALPE26,
            {**_coco(_HALPE26), "l_toe": "left_big_toe", "r_toe": "right_big_toe"},
            Scale.FRACTION, "-y", 0.02,
        ),
        Layout(
            "azure32", "Azure Kinect", _AZURE32,
            {
                **_both_sides({**_LIMBS, "eye": "Eye{}", "ear": "Ear{}"}), "nose": "Nose",
            },
            Scale.AZURE, "-y", 0.012, _FEET, Mode.DEPTH_ONLY,
        ),
    )
}  # fmt: skip
