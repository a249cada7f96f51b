"""Draw every exercise at its start and target: ``python docs/exercise_pictures.py [NAME...]``.

Each picture of ``docs/exercises.md`` is the synthetic patient, with the true skeleton and the true
value of the measure that tells the repetitions. Needs the extra ``synthetic``.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from lbp_rehab.estimate import Status
from lbp_rehab.pose import overlay
from lbp_rehab.pose.skeleton import DRAWN
from lbp_rehab.pose.types import BodyPose
from lbp_rehab.quality import measures
from lbp_rehab.quality.exercise import Exercise, known_exercises, load_exercise
from lbp_rehab.quality.meanings import readable
from lbp_rehab.quality.types import Side
from lbp_rehab.synthetic.motion.programs import PROGRAMS
from lbp_rehab.synthetic.scenario import Scenario
from lbp_rehab.synthetic.studio import Studio

OUT = Path(__file__).parent / "images" / "exercises"
PERSON = 27
SIZE = (640, 480)  # columns and rows of what is rendered; shown at half of it
REST_S, AT_REST_S = 1.0, 0.5
QUALITY = 80  # of the JPEG
# From where each exercise is seen: elevation, azimuth from the head in degrees, perhaps metres.
VIEWS = {
    "pelvic_tilt": "14,95,2.2",
    "glute_bridge": "14,95,2.2",
    "dead_bug": "18,100,2.5",
    "knee_to_chest": "18,100,2.2",
    "breathing": "14,95,2.2",
    "bird_dog": "12,80,2.6",
    "cat_camel": "10,90,2.2",
    "press_up": "12,90,2.6",
    "plank": "12,90,2.6",
    "clam": "26,100,2.2",
    "side_bridge": "18,100,2.2",
    "forward_bend": "8,60,3.1",
    "backward_bend": "8,60,3.1",
}


def main() -> int:
    """Draw the exercises that are named, or all that the synthetic patient can do."""
    OUT.mkdir(parents=True, exist_ok=True)
    for name in sys.argv[1:] or [n for n in known_exercises() if n in PROGRAMS]:
        image = picture(load_exercise(name))
        options = [cv2.IMWRITE_JPEG_QUALITY, QUALITY]
        cv2.imwrite(str(OUT / f"{name}.jpg"), image[:, :, ::-1], options)
    return 0


def picture(exercise: Exercise) -> NDArray[np.uint8]:
    """Return start, target and perhaps the second extreme side by side, RGB."""
    studio = Studio(
        Scenario(
            exercise.name, PERSON, repetitions=1, side="left", camera="ideal", size=SIZE,
            view=VIEWS[exercise.name], support="mat", initial_rest_s=REST_S,
        )
    )  # fmt: skip
    made = studio.scenario.movement.repetitions[0]
    rest = value(studio, exercise, AT_REST_S)
    shown_at_s = {"start": AT_REST_S, "target": made.top_s}
    if exercise.second:
        shown_at_s["second"] = made.hold_end_s
    parts = []
    for word, t_s in shown_at_s.items():
        now = value(studio, exercise, t_s)
        shown = studio.show(t_s, 0, 0)
        drawn = overlay.draw(shown.frame.color, of_bones(shown.pose))
        part = cv2.resize(drawn, (SIZE[0] // 2, SIZE[1] // 2), interpolation=cv2.INTER_AREA)
        number = readable(now - rest if exercise.from_rest else now, exercise.unit)
        overlay.write(part, f"{word}: {exercise.primary} {number}", (6, 15), 0.38)
        part[:, -2:] = 255
        parts.append(part)
    return np.hstack(parts)[:, :-2]


def of_bones(pose: BodyPose) -> BodyPose:
    """Return the pose without the points at which no line ends."""
    ends = {name for bone in DRAWN for name in bone}
    kept = np.array([name in ends for name in pose.names])
    return replace(pose, status=np.where(kept, pose.status, int(Status.UNKNOWN)))


def value(studio: Studio, exercise: Exercise, t_s: float) -> float:
    """Return the true value of the primary measure at a time, in its unit."""
    side = studio.scenario.movement.repetitions[0].side
    name = measures.of_side(exercise.primary, Side[side.upper()] if side else Side.NONE)
    pose, (belly_m, chest_m) = studio.patient.at(t_s)
    stamp_ns = studio.scenario.stamp_ns(t_s)
    if measures.source(name) == measures.BREATH:
        return belly_m if name == "belly_rise" else chest_m
    if measures.source(name) == measures.PELVIS:
        return measures.from_pelvis(name, studio.pelvis(pose, stamp_ns)).value
    return measures.from_pose(name, studio.keypoints(pose, stamp_ns)).value


if __name__ == "__main__":
    sys.exit(main())
