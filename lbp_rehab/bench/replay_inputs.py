"""Recordings for the benchmark of the replay: raw images, and poses alone."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from rclpy.serialization import serialize_message
from tqdm import tqdm

from lbp_rehab.bags import BagWriter, definitions
from lbp_rehab.nodes.convert import to_body_pose
from lbp_rehab.nodes.images import to_images
from lbp_rehab.nodes.pose_estimator import COLOR, DEPTH, INFO
from lbp_rehab.pose.skeleton import NAMES
from lbp_rehab.pose.types import BodyPose
from lbp_rehab.replay.canonical import canonical
from lbp_rehab.replay.nodes import type_name
from lbp_rehab.synthetic.scenario import Scenario
from lbp_rehab.synthetic.studio import Studio

RATE_HZ = 30.0
SEED = 3
RAW = ("glute_bridge", "pelvic_tilt")
POSES = ("glute_bridge", "bird_dog")
# Long beside the frames that a node may be ahead when the clock starts.
RAW_REPETITIONS, POSES_REPETITIONS = 4, 30
NOISE_M = 0.005  # of a joint, as it shakes from frame to frame

Written = tuple[str, object, int]  # topic, message, log time


def make(folder: Path) -> tuple[dict[str, Path], dict[str, Path]]:
    """Return the recordings by exercise, of images and of poses; made where they are missing.

    Parameters
    ----------
    folder : Path
        Keeps them for the next time; about 2 GB.
    """
    folder.mkdir(parents=True, exist_ok=True)
    raw = {
        e: _made(folder / f"raw_{e}_{RAW_REPETITIONS}", _images, e, RAW_REPETITIONS) for e in RAW
    }
    poses = {
        e: _made(folder / f"poses_{e}_{POSES_REPETITIONS}", _poses, e, POSES_REPETITIONS)
        for e in POSES
    }
    return raw, poses


def _made(
    bag: Path, write: Callable[[Studio], Iterator[Written]], exercise: str, repetitions: int
) -> Path:
    if bag.exists():
        return bag
    part = bag.with_name(f".{bag.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    scenario = Scenario(exercise, seed=SEED, repetitions=repetitions, rate_hz=RATE_HZ)
    studio = Studio(scenario)
    with BagWriter(part / bag.name) as writer:
        for topic, message, time_ns in tqdm(write(studio), bag.name, unit="message"):
            kind = type_name(type(message))
            if topic not in writer.topics:
                writer.add_topic(definitions.topic(topic, kind))
            data = canonical(kind, bytes(serialize_message(message)))
            writer.write(topic, data, time_ns)
    (part / bag.name).rename(bag)
    part.rmdir()
    return bag


def _images(studio: Studio) -> Iterator[Written]:
    for shown in studio.frames():
        colour, depth, info = to_images(shown.frame)
        yield f"/{INFO}", info, shown.frame.stamp_ns
        yield f"/{COLOR}", colour, shown.frame.stamp_ns
        yield f"/{DEPTH}", depth, shown.frame.stamp_ns


def _poses(studio: Studio) -> Iterator[Written]:
    """Yield true poses with the noise and the uncertainty of measured ones."""
    scenario, n = studio.scenario, len(NAMES)
    rng = np.random.default_rng(SEED)
    for k in range(int(scenario.movement.duration_s * RATE_HZ)):
        t_s = k / RATE_HZ
        stamp_ns = scenario.stamp_ns(t_s)
        true = studio.keypoints(studio.patient.at(t_s)[0], stamp_ns)
        pose: BodyPose = replace(
            true,
            names=NAMES,
            position=true.position[:n] + rng.normal(0.0, NOISE_M, (n, 3)),
            covariance=np.tile(4.0 * NOISE_M**2 * np.eye(3), (n, 1, 1)),
            status=true.status[:n],
            reason=true.reason[:n],
            visibility=true.visibility[:n],
            pixel=true.pixel[:n],
        )
        yield "/body/pose", to_body_pose(pose), stamp_ns
