"""Draw every exercise with each of its faults: ``python docs/contact_sheets.py [SEED]``.

Each picture is the top of a repetition at severity 1, except the first, which is the start. The
strip below it is the height of a joint or an angle over the repetition: grey done well, red with
the fault. Needs the extra ``synthetic``.
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np

from lbp_rehab.pose.skeleton import INDEX
from lbp_rehab.synthetic.motion.movement import Fault
from lbp_rehab.synthetic.motion.programs import PROGRAMS
from lbp_rehab.synthetic.scenario import Scenario
from lbp_rehab.synthetic.studio import Studio

OUT = Path(__file__).parent / "images" / "synthetic"
CELL = (304, 228)  # columns and rows of a picture
STRIP = 34
PERSON = 27
# Exercise -> from where it is best seen, and what the strip shows.
SHEETS: dict[str, dict[str, tuple[str, str]]] = {
    "supine": {
        "pelvic_tilt": ("16,95", "l_hip"),
        "glute_bridge": ("14,95", "l_hip"),
        "dead_bug": ("24,100", "l_ankle"),
        "knee_to_chest": ("24,100", "l_knee"),
        "breathing": ("12,92", "belly"),
    },
    "kneeling_and_prone": {
        "bird_dog": ("14,80", "l_ankle"),
        "cat_camel": ("8,90", "thorax"),
        "press_up": ("10,90", "nose"),
        "plank": ("10,90", "l_hip"),
    },
    "side": {"clam": ("26,100", "l_knee"), "side_bridge": ("18,100", "r_hip")},
    "standing": {"forward_bend": ("8,60", "nose"), "backward_bend": ("8,60", "nose")},
}
# Faults that only show from another side.
_FROM_THE_FEET = "16,180,1.75"
VIEWS = {
    ("pelvic_tilt", "knees_swing"): _FROM_THE_FEET,
    ("glute_bridge", "pelvis_drops"): _FROM_THE_FEET,
    ("glute_bridge", "knees_fall_in"): _FROM_THE_FEET,
    ("knee_to_chest", "pelvis_rolls"): _FROM_THE_FEET,
    ("bird_dog", "trunk_rotates"): "10,180,2.2",
    ("forward_bend", "deviates"): "8,5",
    ("backward_bend", "deviates"): "8,5",
}


def main() -> int:
    """Draw all sheets."""
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else PERSON
    OUT.mkdir(parents=True, exist_ok=True)
    for name, exercises in SHEETS.items():
        rows = [_row(exercise, *seen, seed) for exercise, seen in exercises.items()]
        width = max(row.shape[1] for row in rows)
        sheet = np.vstack([_padded(row, width) for row in rows])
        quality = [cv2.IMWRITE_JPEG_QUALITY, 82]
        cv2.imwrite(str(OUT / f"{name}.jpg"), sheet[:, :, ::-1], quality)
    return 0


def _row(exercise: str, view: str, shown: str, seed: int) -> np.ndarray:
    plain = _studio(exercise, view, seed)
    start = _picture(plain, 0.5, f"{exercise}: start")
    course = _course(plain, shown)
    cells = [np.vstack([start, _strip(None, course)])]
    for fault in (None, *PROGRAMS[exercise].faults):
        studio = (
            plain
            if fault is None
            else _studio(exercise, VIEWS.get((exercise, fault), view), seed, fault)
        )
        top_s = studio.scenario.movement.repetitions[0].top_s
        picture = _picture(studio, top_s, fault or "done well")
        own = None if fault is None else _course(studio, shown)
        cells.append(np.vstack([picture, _strip(own, course)]))
    return np.hstack(cells)


def _studio(exercise: str, view: str, seed: int, fault: str | None = None) -> Studio:
    faults = (Fault(0, fault),) if fault else ()
    return Studio(
        Scenario(
            exercise, seed, faults, repetitions=1, side="left", camera="ideal",
            size=CELL, view=view, support="mat", initial_rest_s=1.0,
        )
    )  # fmt: skip


def _picture(studio: Studio, t_s: float, label: str) -> np.ndarray:
    image = studio.show(t_s, 0, 0).frame.color.copy()
    image[:20] = (0.35 * image[:20]).astype(np.uint8)
    cv2.putText(image, label, (5, 14), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (255, 255, 255), 1,
                cv2.LINE_AA)  # fmt: skip
    return image


def _course(studio: Studio, shown: str) -> tuple[np.ndarray, np.ndarray]:
    movement = studio.scenario.movement
    t_s = np.arange(0.8, movement.duration_s, 0.1)
    values = []
    for t in t_s:
        pose, breath = studio.patient.at(float(t))
        if shown == "belly":
            values.append(breath[0])
        elif shown == "thorax":
            body = studio.patient.body
            values.append(float(body.bone_heads(pose)[body.bone("spine03")][2]))
        else:
            values.append(float(studio.patient.body.keypoints(pose)[INDEX[shown]][2]))
    return t_s, np.array(values)


def _strip(
    own: tuple[np.ndarray, np.ndarray] | None, plain: tuple[np.ndarray, np.ndarray]
) -> np.ndarray:
    strip = np.full((STRIP, CELL[0], 3), 255, np.uint8)
    both = np.concatenate([plain[1], own[1] if own else plain[1]])
    end_s = max(plain[0][-1], own[0][-1] if own else 0.0)
    low, span = both.min(), max(np.ptp(both), 1e-3)
    for curve, colour in ((plain, (150, 150, 150)), (own, (200, 30, 30))):
        if curve is None:
            continue
        x = 4 + (CELL[0] - 8) * (curve[0] - 0.8) / (end_s - 0.8)
        y = STRIP - 4 - (STRIP - 8) * (curve[1] - low) / span
        points = np.round(np.stack([x, y], 1)).astype(np.int32)
        cv2.polylines(strip, [points], False, colour, 1, cv2.LINE_AA)
    return strip


def _padded(row: np.ndarray, width: int) -> np.ndarray:
    return np.pad(row, ((0, 6), (0, width - row.shape[1]), (0, 0)), constant_values=255)


if __name__ == "__main__":
    sys.exit(main())
