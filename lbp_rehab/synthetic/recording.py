"""Write a synthetic recording with its truth: ``python -m lbp_rehab.synthetic.recording``.

The same seed and settings give the same bytes with the same versions of the libraries.
"""

from __future__ import annotations

import argparse
import heapq
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer
from rosbags.rosbag2.errors import WriterError
from scipy.spatial.transform import Rotation
from tqdm import tqdm

from lbp_rehab.emg.types import Channel, EmgChunk
from lbp_rehab.errors import InputError
from lbp_rehab.paths import PACKAGE
from lbp_rehab.synthetic import body as bodies
from lbp_rehab.synthetic import emg, messages, truth
from lbp_rehab.synthetic.bridge import BridgePoser
from lbp_rehab.synthetic.camera import Camera
from lbp_rehab.synthetic.movement import FAULTS, Fault, Movement, glute_bridge
from lbp_rehab.synthetic.sensor import ColourSensor, DepthCamera, StereoSensor

FRAME_ID = "camera_color_optical_frame"
COLOUR = "/camera/color/image_raw/compressed"
DEPTH = "/camera/aligned_depth_to_color/image_raw/compressedDepth"
INFO = "/camera/color/camera_info"
EMG = "/emg/raw"
TRUE_POSE, TRUE_PELVIS = "/truth/body/pose", "/truth/pelvis/state"
TRUE_REPETITION = "/truth/quality/repetition"
TOPICS: dict[str, str] = {
    COLOUR: "sensor_msgs/msg/CompressedImage",
    DEPTH: "sensor_msgs/msg/CompressedImage",
    INFO: "sensor_msgs/msg/CameraInfo",
    EMG: f"{PACKAGE}/msg/EmgRaw",
    TRUE_POSE: f"{PACKAGE}/msg/BodyPose",
    TRUE_PELVIS: f"{PACKAGE}/msg/PelvisState",
    TRUE_REPETITION: f"{PACKAGE}/msg/Repetition",
}
# Focal length of the D435's colour camera as a share of the image's width in its wide (16:9) and
# narrow (4:3) modes, whose field of view is 69 and 55 degrees.
_FOCAL_SHARE = {True: 0.72, False: 0.96}
_PERSON = {"gender": 0.3, "age": 0.7, "muscle": 0.55, "weight": 0.45, "height": 0.42}
_TARGET_M = np.array([-0.46, 0.0, 0.16])  # between shoulders and feet
_EMG_CHUNK = 40  # samples

Event = tuple[int, int, str, Any]  # log time, order at one time, topic, message


@dataclass(frozen=True)
class Settings:
    """What to record.

    Attributes
    ----------
    seed : int
        Decides the variation of the movement and all noise.
    repetitions : int
    faults : tuple of Fault
    size : tuple of int
        Columns and rows of the images.
    rate_hz : float
        Of the images.
    jpeg_quality : int
    distance_m, elevation_rad, azimuth_rad, roll_rad : float
        Where the camera is, seen from the person; azimuth from the head towards the person's right.
    depth : StereoSensor
    start_ns : int
        Time of the first image.
    """

    seed: int = 7
    repetitions: int = 5
    faults: tuple[Fault, ...] = (Fault(3, "pelvis_drops"), Fault(5, "hips_low", 0.8))
    size: tuple[int, int] = (640, 360)
    rate_hz: float = 15.0
    jpeg_quality: int = 78
    distance_m: float = 2.1
    elevation_rad: float = float(np.radians(42.0))
    azimuth_rad: float = float(np.radians(105.0))
    roll_rad: float = float(np.radians(1.2))
    depth: StereoSensor = field(
        default_factory=lambda: StereoSensor(focal_px=212.0, range_m=(0.2, 2.6))
    )
    start_ns: int = 1_700_000_000 * messages.NANOSECONDS

    @property
    def focal_px(self) -> float:
        """Focal length of the colour camera in pixels."""
        return _FOCAL_SHARE[self.size[0] / self.size[1] > 1.5] * self.size[0]


def record(folder: Path, settings: Settings) -> Movement:
    """Write the bag into a new folder.

    Raises
    ------
    InputError
        If the folder exists or the extra ``synthetic`` is not installed.
    """
    movement = glute_bridge(settings.seed, settings.repetitions, settings.faults)
    try:
        import numba  # noqa: F401, PLC0415  (asked for at once, not after the body is made)

        body = bodies.load(_PERSON)
    except ImportError as error:
        raise InputError(
            f"the synthetic patient needs {error.name}: install it with pip install "
            "'lbp-rehab[synthetic]'"
        ) from error
    poser = BridgePoser(body)
    events = heapq.merge(
        _frames(settings, movement, poser),
        _emg(settings, movement),
        _repetitions(settings, movement, poser),
        key=lambda event: event[:2],
    )
    _write(folder, events)
    return movement


def _write(folder: Path, events: Iterator[Event]) -> None:
    store = messages.typestore()
    try:
        writer = Writer(folder, version=9, storage_plugin=StoragePlugin.MCAP)
    except WriterError as error:
        raise InputError(f"{folder} exists: give another folder or remove it") from error
    writer.set_compression(CompressionMode.STORAGE, CompressionFormat.ZSTD)
    with writer:
        connections = {
            topic: writer.add_connection(topic, kind, typestore=store)
            for topic, kind in TOPICS.items()
        }
        for log_ns, _, topic, message in events:
            data = store.serialize_cdr(message, TOPICS[topic])
            writer.write(connections[topic], log_ns, data)


def _frames(settings: Settings, movement: Movement, poser: BridgePoser) -> Iterator[Event]:
    # Needs numba, of the optional extra.
    from lbp_rehab.synthetic.scene import Outfit, Room, Scene  # noqa: PLC0415

    body = poser.body
    camera = Camera.looking_at(
        _TARGET_M,
        distance_m=settings.distance_m,
        elevation_rad=settings.elevation_rad,
        azimuth_rad=settings.azimuth_rad,
        size=settings.size,
        focal_px=settings.focal_px,
        roll_rad=settings.roll_rad,
    )
    scene = Scene(body, Outfit(), Room(), camera)
    shape = (camera.height, camera.width)
    depth_camera = DepthCamera(settings.depth, shape, camera.focal_px, settings.seed)
    colour_sensor, rng = ColourSensor(), np.random.default_rng([settings.seed, 5])
    neutral = poser.pose(movement.at(0.0)[0])
    pelvis = truth.PelvisTruth(body, camera, neutral, settings.start_ns)
    for i in tqdm(
        range(int(movement.duration_s * settings.rate_hz)), unit="frame", file=sys.stderr
    ):
        t_s = i / settings.rate_hz
        at_ns = messages.at(settings.start_ns, t_s)
        pose = poser.pose(movement.at(t_s)[0])
        colour, depth_m, person = scene.view(scene.dressed.skin(pose))
        rgb = colour_sensor.measure(colour, rng)
        depth_mm = depth_camera.measure(depth_m)
        state = pelvis.at(pose, at_ns, FRAME_ID)
        quaternion = Rotation.from_matrix(state.axes).as_quat(canonical=True)
        joints = truth.keypoints(body, pose, camera, person, stamp_ns=at_ns, frame_id=FRAME_ID)
        yield at_ns, 0, INFO, messages.camera_info(at_ns, FRAME_ID, camera)
        yield (
            at_ns, 1, COLOUR, messages.colour_image(at_ns, FRAME_ID, rgb, settings.jpeg_quality),
        )  # fmt: skip
        yield at_ns, 2, DEPTH, messages.depth_image(at_ns, FRAME_ID, depth_mm)
        yield at_ns, 3, TRUE_POSE, messages.body_pose(joints)
        yield at_ns, 4, TRUE_PELVIS, messages.pelvis_state(state, quaternion)


def _emg(settings: Settings, movement: Movement) -> Iterator[Event]:
    t_s = np.arange(round(movement.duration_s * emg.RATE_HZ)) / emg.RATE_HZ
    samples = emg.measure(emg.drive(movement, t_s), settings.seed)
    channels = tuple(
        Channel(label, muscle, side)
        for label, (muscle, side) in zip(emg.LABELS, emg.CHANNELS, strict=True)
    )
    for first in range(0, len(samples) - _EMG_CHUNK + 1, _EMG_CHUNK):
        chunk = EmgChunk(
            stamp_ns=messages.at(settings.start_ns, first / emg.RATE_HZ),
            rate_hz=emg.RATE_HZ,
            first_sample=first,
            lost_before=0,
            data=samples[first : first + _EMG_CHUNK],
            channels=channels,
            stamp_sigma_s=1e-4,
            source="synthetic",
        )
        yield chunk.end_ns, 5, EMG, messages.emg_raw(chunk)


def _repetitions(settings: Settings, movement: Movement, poser: BridgePoser) -> Iterator[Event]:
    for made in movement.repetitions:
        at_start, at_top = (
            truth.hip_extension_rad(poser.body, poser.pose(movement.at(t_s)[0]))
            for t_s in (made.start_s, made.top_s)
        )
        faults = truth.faults(movement, made)
        message = messages.repetition(
            made, movement.exercise, at_top - at_start, faults, settings.start_ns
        )
        yield messages.at(settings.start_ns, made.end_s), 6, TRUE_REPETITION, message


def parse_fault(text: str) -> Fault:
    """Return the fault written as ``repetition:name`` or ``repetition:name:severity``."""
    parts = text.split(":")
    try:
        severity = float(parts[2]) if len(parts) == 3 else 1.0
        repetition = int(parts[0])
        name = parts[1]
    except (ValueError, IndexError):
        raise InputError(
            f"cannot read the fault {text!r}: write it as 3:pelvis_drops or 5:hips_low:0.8"
        ) from None
    return Fault(repetition, name, severity)


def _parser() -> argparse.ArgumentParser:
    default = Settings()
    parser = argparse.ArgumentParser(
        prog="python -m lbp_rehab.synthetic.recording",
        description="Write a synthetic glute-bridge set: DIR/glute_bridge (rosbag2, MCAP) and "
        "DIR/mvc.yaml.",
        epilog="faults: " + "; ".join(f"{name}: {what}" for name, what in FAULTS.items()),
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where to write")
    parser.add_argument("--seed", type=int, default=default.seed, help="default: %(default)s")
    parser.add_argument("--repetitions", type=int, default=default.repetitions)
    parser.add_argument(
        "--fault",
        action="append",
        metavar="N:NAME[:SEVERITY]",
        help="fault of repetition N, severity 0 to 1; may be repeated; 'none' for no fault "
        "(default: 3:pelvis_drops and 5:hips_low:0.8)",
    )
    parser.add_argument(
        "--size", type=int, nargs=2, default=default.size, metavar=("COLUMNS", "ROWS")
    )
    parser.add_argument("--rate", type=float, default=default.rate_hz, help="images a second")
    parser.add_argument("--jpeg-quality", type=int, default=default.jpeg_quality)
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run the command; return 0, or 1 with one sentence on stderr."""
    arguments = _parser().parse_args(argv)
    try:
        chosen = Settings().faults
        if arguments.fault:
            chosen = tuple(parse_fault(text) for text in arguments.fault if text != "none")
        settings = Settings(
            seed=arguments.seed,
            repetitions=arguments.repetitions,
            faults=chosen,
            size=(arguments.size[0], arguments.size[1]),
            rate_hz=arguments.rate,
            jpeg_quality=arguments.jpeg_quality,
        )
        arguments.out.mkdir(parents=True, exist_ok=True)
        record(arguments.out / "glute_bridge", settings)
    except InputError as error:
        print(f"{PACKAGE}: {error}", file=sys.stderr)
        return 1
    volts = {label: float(f"{v:.4g}") for label, v in emg.mvc_envelopes_v(settings.seed).items()}
    comment = "# Volts: highest envelope of each channel at a maximal contraction.\n"
    (arguments.out / "mvc.yaml").write_text(comment + yaml.safe_dump(volts, sort_keys=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
