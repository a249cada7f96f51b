"""ROS messages of a synthetic recording, made with rosbags and without a ROS installation."""

from __future__ import annotations

import struct
from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore

from lbp_rehab.emg.types import Activation, Channel, EmgChunk
from lbp_rehab.errors import InputError
from lbp_rehab.estimate import Estimate, Reason
from lbp_rehab.paths import PACKAGE, share_dir
from lbp_rehab.pelvis.types import PelvisAngles, PelvisState
from lbp_rehab.pose.types import BodyPose
from lbp_rehab.stamps import NANOSECONDS
from lbp_rehab.synthetic.imaging.camera import Camera
from lbp_rehab.synthetic.motion.dof import unit_of
from lbp_rehab.synthetic.motion.movement import FaultShown, Movement, Repetition
from lbp_rehab.synthetic.truth import PERSON_ID, SIGMA_RAD

_TEMPO = ("too_fast", "painful_arc")
PARTIAL_BELOW = 0.75  # a repetition that reaches less of its range is a partial one


@cache
def typestore() -> Typestore:
    """Return ROS 2 Jazzy's message types together with this package's own."""
    store = get_typestore(Stores.ROS2_JAZZY)
    files = sorted((share_dir() / "msg").glob("*.msg"))
    if not files:
        raise InputError(f"no message definitions in {share_dir() / 'msg'}: install the package")
    types: dict[str, Any] = {}
    for file in files:
        types.update(get_types_from_msg(file.read_text(), f"{PACKAGE}/msg/{file.stem}"))
    store.register(types)
    return store


def new(kind: str, /, **fields: Any) -> Any:
    """Return a message of a type such as ``std_msgs/msg/Header``."""
    return typestore().types[kind](**fields)


def constant(name: str, constant_name: str) -> int:
    """Return a constant of a message type."""
    return int(getattr(typestore().types[name], constant_name))


def at(start_ns: int, t_s: float) -> int:
    """Return the stamp of a time of the movement, integer nanoseconds."""
    return start_ns + round(t_s * NANOSECONDS)


def stamp(stamp_ns: int) -> Any:
    """Return a time."""
    seconds, rest = divmod(stamp_ns, NANOSECONDS)
    return new("builtin_interfaces/msg/Time", sec=seconds, nanosec=rest)


def header(stamp_ns: int, frame_id: str = "") -> Any:
    """Return a header."""
    return new("std_msgs/msg/Header", stamp=stamp(stamp_ns), frame_id=frame_id)


def vector(xyz: NDArray[np.float64], kind: str = "Point") -> Any:
    """Return a Point or Vector3."""
    x, y, z = (float(v) for v in xyz)
    return new(f"geometry_msgs/msg/{kind}", x=x, y=y, z=z)


def estimate(value: Estimate) -> Any:
    """Return the message of an estimate."""
    return new(
        f"{PACKAGE}/msg/Estimate",
        status=int(value.status),
        reason=int(value.reason),
        value=value.value,
        sigma=value.sigma,
    )


def colour_image(stamp_ns: int, frame_id: str, rgb: NDArray[np.uint8], quality: int) -> Any:
    """Return a colour image as compressed_image_transport sends it."""
    settings = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_OPTIMIZE, 1]
    _, jpeg = cv2.imencode(".jpg", rgb[:, :, ::-1], settings)
    return new(
        "sensor_msgs/msg/CompressedImage",
        header=header(stamp_ns, frame_id),
        format="rgb8; jpeg compressed bgr8",
        data=jpeg.ravel(),
    )


def depth_image(
    stamp_ns: int, frame_id: str, depth_mm: NDArray[np.uint16], compression: int
) -> Any:
    """Return a depth image as compressed_depth_image_transport sends it.

    Its ConfigHeader (an enumeration and two floats) means nothing for 16UC1 but must be there.

    Parameters
    ----------
    compression : int
        PNG level, 1 (fast) to 9 (small).
    """
    settings = [cv2.IMWRITE_PNG_COMPRESSION, compression]
    if hasattr(cv2, "IMWRITE_PNG_FILTER"):
        # Disparity steps repeat exactly, so that PNG's row filters only cost.
        settings += [cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_NONE]
    _, png = cv2.imencode(".png", depth_mm, settings)
    return new(
        "sensor_msgs/msg/CompressedImage",
        header=header(stamp_ns, frame_id),
        format="16UC1; compressedDepth png",
        data=np.concatenate(
            [np.frombuffer(struct.pack("<iff", 0, 0.0, 0.0), np.uint8), png.ravel()]
        ),
    )


def camera_info(stamp_ns: int, frame_id: str, camera: Camera) -> Any:
    """Return the calibration of a camera without distortion."""
    cx, cy = camera.principal_px
    f = camera.focal_px
    return new(
        "sensor_msgs/msg/CameraInfo",
        header=header(stamp_ns, frame_id),
        height=camera.height,
        width=camera.width,
        distortion_model="plumb_bob",
        d=np.zeros(5),
        k=np.array([f, 0, cx, 0, f, cy, 0, 0, 1.0]),
        r=np.eye(3).ravel(),
        p=np.array([f, 0, cx, 0, 0, f, cy, 0, 0, 0, 1.0, 0]),
        binning_x=0,
        binning_y=0,
        roi=new(
            "sensor_msgs/msg/RegionOfInterest",
            x_offset=0,
            y_offset=0,
            height=0,
            width=0,
            do_rectify=False,
        ),
    )


def body_pose(pose: BodyPose) -> Any:
    """Return a pose."""
    rows, columns = np.triu_indices(3)
    keypoints = [
        new(
            f"{PACKAGE}/msg/Keypoint",
            name=name,
            status=int(pose.status[i]),
            reason=int(pose.reason[i]),
            position=vector(pose.position[i]),
            sigma_m=float(pose.sigma_m()[i]),
            covariance=pose.covariance[i][rows, columns].astype(np.float32),
            visibility=float(pose.visibility[i]),
            pixel=pose.pixel[i].astype(np.float32),
        )
        for i, name in enumerate(pose.names)
    ]
    support = pose.support
    return new(
        f"{PACKAGE}/msg/BodyPose",
        header=header(pose.stamp_ns, pose.frame_id),
        person_id=pose.person_id,
        track_id=pose.track_id,
        people_in_view=pose.people_in_view,
        mode=int(pose.mode),
        reason=int(pose.reason_unknown),
        posture=int(pose.posture),
        posture_confidence=pose.posture_confidence,
        backend=pose.backend,
        image_width=pose.image_size[0],
        image_height=pose.image_size[1],
        keypoints=keypoints,
        gravity_known=support is not None,
        up=vector(np.zeros(3) if support is None else support.up, "Vector3"),
        up_sigma_rad=0.0 if support is None else support.sigma_rad,
        support_height=estimate(
            Estimate.unknown(Reason.NO_GRAVITY) if support is None else support.height
        ),
    )


def pelvis_state(state: PelvisState, quaternion: NDArray[np.float64]) -> Any:
    """Return a pelvis whose pose is known.

    Parameters
    ----------
    quaternion : ndarray, shape (4,)
        x, y, z, w of ``state.axes``.
    """
    x, y, z, w = (float(q) for q in quaternion)
    assert state.origin is not None
    return new(
        f"{PACKAGE}/msg/PelvisState",
        header=header(state.stamp_ns, state.frame_id),
        person_id=state.person_id,
        method=int(state.method),
        pose_known=True,
        pose=new(
            "geometry_msgs/msg/PoseWithCovariance",
            pose=new(
                "geometry_msgs/msg/Pose",
                position=vector(state.origin),
                orientation=new("geometry_msgs/msg/Quaternion", x=x, y=y, z=z, w=w),
            ),
            covariance=state.covariance.ravel(),
        ),
        **_angles(state.absolute, ""),
        **_angles(state.relative, "_relative"),
        track_id=state.track_id,
        neutral_source=int(state.neutral_source),
        neutral_stamp=stamp(state.neutral_stamp_ns),
    )


def _angles(angles: PelvisAngles, suffix: str) -> dict[str, Any]:
    names = ("tilt", "obliquity", "rotation", "lumbar_flexion")
    return {name + suffix: estimate(getattr(angles, name)) for name in names}


def _channel(channel: Channel) -> Any:
    return new(
        f"{PACKAGE}/msg/EmgChannel",
        label=channel.label,
        muscle=int(channel.muscle),
        side=int(channel.side),
        quality=int(channel.quality),
        noise_v=channel.noise_v,
        unit="V",
    )


def emg_raw(chunk: EmgChunk) -> Any:
    """Return a chunk of sEMG."""
    return new(
        f"{PACKAGE}/msg/EmgRaw",
        header=header(chunk.stamp_ns),
        person_id=PERSON_ID,
        source=chunk.source,
        first_sample=chunk.first_sample,
        lost_before=chunk.lost_before,
        sample_rate_hz=chunk.rate_hz,
        stamp_sigma_s=chunk.stamp_sigma_s,
        channels=[_channel(c) for c in chunk.channels],
        n_samples=len(chunk.data),
        data=chunk.data.ravel(),
    )


def emg_activation(activation: Activation) -> Any:
    """Return the activations at one instant."""
    return new(
        f"{PACKAGE}/msg/EmgActivation",
        header=header(activation.stamp_ns),
        person_id=PERSON_ID,
        delay_s=activation.delay_s,
        muscles=[
            new(
                f"{PACKAGE}/msg/MuscleActivation",
                channel=_channel(m.channel),
                activation=estimate(m.activation),
                envelope=estimate(m.envelope),
                active=m.active,
                since=stamp(m.since_ns),
                median_frequency=estimate(m.median_frequency),
                fatigue_slope=estimate(m.fatigue_slope),
            )
            for m in activation.muscles
        ],
        co_contraction=estimate(activation.co_contraction),
        asymmetry=estimate(activation.asymmetry),
        local_share=estimate(activation.local_share),
    )


def quality_live(movement: Movement, t_s: float, start_ns: int) -> Any:
    """Return the true phase, side, count and faults at a time of the movement."""
    kind = f"{PACKAGE}/msg/QualityLive"
    phase, made = movement.phase(t_s)
    level = float(movement.level(np.array([t_s])).max())
    showing = [f for f in made.shown if f.start_s <= t_s <= f.end_s] if made else []
    return new(
        kind,
        header=header(at(start_ns, t_s)),
        person_id=PERSON_ID,
        session_id="",
        set_index=1,
        exercise=movement.exercise,
        side=_side(made.side if made else "none"),
        phase=constant(kind, f"PHASE_{phase.upper()}"),
        progress=estimate(Estimate(level, SIGMA_RAD)),
        repetitions=sum(
            r.end_s <= t_s and r.amplitude >= PARTIAL_BELOW for r in movement.repetitions
        ),
        faults=[_fault(fault, start_ns) for fault in showing],
        missing=[],
    )


def _side(side: str) -> int:
    return constant(f"{PACKAGE}/msg/EmgChannel", f"SIDE_{side.upper()}")


def repetition(
    made: Repetition,
    exercise: str,
    range_of_motion: Estimate,
    start_ns: int,
) -> Any:
    """Return a repetition that was made; it has no score.

    Parameters
    ----------
    range_of_motion : Estimate
        Of the exercise's primary measure.
    start_ns : int
        Stamp of the movement's time 0.
    """
    kind = f"{PACKAGE}/msg/Repetition"
    outcome = "OUTCOME_PARTIAL" if made.amplitude < PARTIAL_BELOW else "OUTCOME_COMPLETE"
    start, top, end = (at(start_ns, t_s) for t_s in (made.start_s, made.top_s, made.end_s))
    return new(
        kind,
        header=header(end),
        person_id=PERSON_ID,
        exercise=exercise,
        index=made.index,
        side=_side(made.side),
        outcome=constant(kind, outcome),
        start=stamp(start),
        target=stamp(top),
        end=stamp(end),
        range_of_motion=estimate(range_of_motion),
        score=estimate(Estimate.unknown(Reason.MISSING_INPUT)),
        grade=constant(kind, "GRADE_UNKNOWN"),
        sub_scores=[],
        faults=[_fault(fault, start_ns) for fault in made.shown],
        not_assessed=[],
        session_id="",
        set_index=1,
        own_best_similarity=estimate(Estimate.unknown(Reason.MISSING_INPUT)),
        demonstration_similarity=estimate(Estimate.unknown(Reason.MISSING_INPUT)),
        similarity_left_out=[],
    )


def _fault(fault: FaultShown, start_ns: int) -> Any:
    kind = f"{PACKAGE}/msg/Fault"
    names = ("SEVERITY_MILD", "SEVERITY_MODERATE", "SEVERITY_SEVERE")
    part, unit = ("tempo", "s") if fault.name in _TEMPO else ("breath", "fraction")
    if fault.dof is not None:
        part, unit = fault.dof.name.lower(), unit_of(fault.dof)
    return new(
        kind,
        id=fault.name,
        severity=constant(kind, names[min(int(3 * fault.severity), 2)]),
        confidence=1.0,
        body_part=part,
        unit=unit,
        measured=estimate(Estimate(fault.changed, SIGMA_RAD)),
        has_min=False,
        has_max=False,
        allowed_min=0.0,
        allowed_max=0.0,
        start=stamp(at(start_ns, fault.start_s)),
        end=stamp(at(start_ns, fault.end_s)),
        points_lost=0.0,
    )
