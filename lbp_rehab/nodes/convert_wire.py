"""Between the cores' dataclasses and serialised messages, for what every frame brings.

The same as `lbp_rehab.nodes.convert` and rclpy's serialisation together, ten times as fast.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from functools import lru_cache
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from lbp_rehab import msg
from lbp_rehab.breath.types import Breath
from lbp_rehab.errors import InputError
from lbp_rehab.estimate import Estimate, Reason, Status
from lbp_rehab.nodes import convert, markers
from lbp_rehab.nodes.wire import Filled, Form, Numbers, Reading
from lbp_rehab.pelvis.landmarks import PelvisLandmarks
from lbp_rehab.pelvis.types import Method, NeutralSource, PelvisAngles, PelvisState
from lbp_rehab.pose.types import BodyPose, Mode, Posture, Support
from lbp_rehab.rotations import matrix_of, quaternion
from lbp_rehab.stamps import NANOSECONDS

Core = TypeVar("Core")
FORMS = 64  # kept of a kind; another one for other texts and other points that are known
_BODY_POSE, _PELVIS, _BREATH = Reading(msg.BodyPose), Reading(msg.PelvisState), Reading(msg.Breath)
_ANGLES = (*convert.ANGLES, *(f"{name}_relative" for name in convert.ANGLES))
_WALLS = ("belly", "chest", "depth")


def _once(convert_one: Callable[[bytes], Core]) -> Callable[[bytes], Core]:
    """Keep the last result: in a replay all readers of a message get the same bytes in a row."""
    last: tuple[bytes, Core] | None = None

    def kept(data: bytes) -> Core:
        nonlocal last
        if last is None or last[0] is not data:
            last = data, convert_one(data)
        return last[1]

    kept.__doc__ = convert_one.__doc__
    return kept


# Reading


@_once
def read_body_pose(data: bytes) -> BodyPose:
    """Return the pose of a serialised ``BodyPose``.

    Raises
    ------
    InputError
        If a number in it is not finite or a code is not one of the constants.
    """
    m = _BODY_POSE(data)
    names = tuple(m.layout.texts.get("keypoints.name", ()))
    n = len(names)
    covariance = np.zeros((n, 3, 3))
    triangle = m["keypoints.covariance"].reshape(n, 6)
    covariance[:, convert.UPPER_TRIANGLE[0], convert.UPPER_TRIANGLE[1]] = triangle
    covariance[:, convert.UPPER_TRIANGLE[1], convert.UPPER_TRIANGLE[0]] = triangle
    position = m["keypoints.position"].reshape(n, 3)
    if not (np.isfinite(position).all() and np.isfinite(covariance).all()):
        raise InputError("body/pose holds a number that is not finite")
    support = None
    try:
        if m["gravity_known"][0]:
            up = m["up"][0]
            if not np.isfinite(up).all() or abs(np.linalg.norm(up) - 1.0) > 1e-3:
                raise InputError(
                    "body/pose: up is not a unit vector although gravity_known is true"
                )
            (height,) = _estimates(m, ("support_height",))
            support = Support(up, float(m["up_sigma_rad"][0]), height)
        status = _codes(m["keypoints.status"], Status)
        reason = _codes(m["keypoints.reason"], Reason)
        return BodyPose(
            stamp_ns=_stamp_ns(m, "header.stamp"),
            frame_id=_text(m, "header.frame_id"),
            names=names,
            position=position,
            covariance=covariance,
            status=status,
            reason=reason,
            visibility=m["keypoints.visibility"].astype(float),
            pixel=m["keypoints.pixel"].astype(float).reshape(n, 2),
            mode=Mode(m["mode"][0]),
            reason_unknown=Reason(m["reason"][0]),
            posture=Posture(m["posture"][0]),
            posture_confidence=float(m["posture_confidence"][0]),
            support=support,
            person_id=_text(m, "person_id"),
            track_id=int(m["track_id"][0]),
            people_in_view=int(m["people_in_view"][0]),
            backend=_text(m, "backend"),
            image_size=(int(m["image_width"][0]), int(m["image_height"][0])),
        )
    except ValueError as error:
        raise InputError(f"body/pose holds an unknown code: {error}") from None


@_once
def read_pelvis_state(data: bytes) -> PelvisState:
    """Return the state of a serialised ``PelvisState``.

    Raises
    ------
    InputError
        If an angle contradicts itself, is not finite, or a code is not one of the constants.
    """
    m = _PELVIS(data)
    try:
        angles = _estimates(m, _ANGLES)
        method = Method(m["method"][0])
        neutral_source = NeutralSource(m["neutral_source"][0])
    except ValueError as error:
        raise InputError(f"pelvis/state cannot be used: {error}") from None
    origin = axes = None
    if m["pose_known"][0]:
        origin = m["pose.pose.position"][0]
        axes = matrix_of(m["pose.pose.orientation"][0])
    return PelvisState(
        stamp_ns=_stamp_ns(m, "header.stamp"),
        frame_id=_text(m, "header.frame_id"),
        person_id=_text(m, "person_id"),
        method=method,
        absolute=PelvisAngles(*angles[:4]),
        relative=PelvisAngles(*angles[4:]),
        origin=origin,
        axes=axes,
        covariance=m["pose.covariance"].reshape(6, 6),
        track_id=int(m["track_id"][0]),
        neutral_source=neutral_source,
        neutral_stamp_ns=_stamp_ns(m, "neutral_stamp"),
    )


@_once
def read_breath(data: bytes) -> Breath:
    """Return the breath of a serialised ``Breath``; InputError if it contradicts itself."""
    m = _BREATH(data)
    try:
        belly, chest, depth = _estimates(m, _WALLS)
    except ValueError as error:
        raise InputError(f"body/breath cannot be used: {error}") from None
    return Breath(
        _stamp_ns(m, "header.stamp"), _text(m, "header.frame_id"), _text(m, "person_id"),
        belly, chest, depth, int(m["track_id"][0]),
    )  # fmt: skip


def _stamp_ns(m: Numbers, path: str) -> int:
    return int(m[f"{path}.sec"][0]) * NANOSECONDS + int(m[f"{path}.nanosec"][0])


def _text(m: Numbers, path: str) -> str:
    return m.layout.texts[path][0]


def _codes(values: NDArray[Any], kind: type[IntEnum]) -> NDArray[np.int64]:
    codes = values.astype(np.int64)
    if codes.size and codes.max() >= len(kind):
        kind(int(codes.max()))  # says what is wrong
    return codes


@lru_cache
def _paths(names: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    codes = tuple(f"{name}.{part}" for name in names for part in ("status", "reason"))
    return codes, tuple(f"{name}.{part}" for name in names for part in ("value", "sigma"))


def _estimates(m: Numbers, names: tuple[str, ...]) -> list[Estimate]:
    """Return fields that are estimates; ValueError if one contradicts itself."""
    code_paths, number_paths = _paths(names)
    codes, numbers = m.joined(code_paths).tolist(), m.joined(number_paths).tolist()
    return [
        Estimate(numbers[k], numbers[k + 1], Status(codes[k]), Reason(codes[k + 1]))
        for k in range(0, len(codes), 2)
    ]


# Writing


def body_pose_data(pose: BodyPose) -> Filled:
    """Return a pose as a serialised ``BodyPose``."""
    texts = (pose.names, pose.frame_id, pose.person_id, pose.backend)
    support = pose.support
    numbers = {
        **_stamp("header.stamp", pose.stamp_ns),
        "track_id": pose.track_id,
        "people_in_view": min(pose.people_in_view, 255),
        "mode": pose.mode,
        "reason": pose.reason_unknown,
        "posture": pose.posture,
        "posture_confidence": pose.posture_confidence,
        "image_width": pose.image_size[0],
        "image_height": pose.image_size[1],
        "gravity_known": support is not None,
        "up": 0.0 if support is None else support.up,
        "up_sigma_rad": 0.0 if support is None else support.sigma_rad,
        **_estimate(
            "support_height",
            Estimate.unknown(Reason.NO_GRAVITY) if support is None else support.height,
        ),
        **_keypoints("keypoints", pose, pose.sigma_m(), pose.covariance),
    }
    return _form(("pose", *texts), lambda: convert.to_body_pose(pose)).filled(numbers)


def pelvis_state_data(state: PelvisState) -> Filled:
    """Return a pelvis state as a serialised ``PelvisState``."""
    numbers = {
        **_stamp("header.stamp", state.stamp_ns),
        "track_id": state.track_id,
        "method": state.method,
        "neutral_source": state.neutral_source,
        **_stamp("neutral_stamp", state.neutral_stamp_ns),
    }
    for name in convert.ANGLES:
        numbers |= _estimate(name, getattr(state.absolute, name))
        numbers |= _estimate(f"{name}_relative", getattr(state.relative, name))
    known = state.origin is not None and state.axes is not None
    if state.origin is not None and state.axes is not None:
        numbers["pose.pose.position"] = state.origin
        numbers["pose.pose.orientation"] = quaternion(state.axes)
        numbers["pose.covariance"] = state.covariance.ravel()
    key = ("pelvis", known, state.frame_id, state.person_id)
    return _form(key, lambda: convert.to_pelvis_state(state)).filled(numbers)


def pelvis_landmarks_data(state: PelvisState, landmarks: PelvisLandmarks) -> Filled:
    """Return the landmarks of a pelvis state as a serialised ``PelvisLandmarks``."""
    covariance = np.eye(3) * landmarks.sigma_m[:, None, None] ** 2
    numbers = {
        **_stamp("header.stamp", state.stamp_ns),
        "track_id": state.track_id,
        **_keypoints("landmarks", landmarks, landmarks.sigma_m, covariance),
    }
    key = ("landmarks", landmarks.names, state.frame_id, state.person_id)
    return _form(key, lambda: convert.to_pelvis_landmarks(state, landmarks)).filled(numbers)


def breath_data(breath: Breath) -> Filled:
    """Return a breath as a serialised ``Breath``."""
    numbers = {
        **_stamp("header.stamp", breath.stamp_ns),
        "track_id": breath.track_id,
        **_estimate("belly", breath.belly),
        **_estimate("chest", breath.chest),
        **_estimate("depth", breath.depth),
    }
    key = ("breath", breath.frame_id, breath.person_id)
    return _form(key, lambda: convert.to_breath(breath)).filled(numbers)


def markers_data(pose: BodyPose) -> Filled:
    """Return a pose as the serialised ``MarkerArray`` of `markers.to_markers`."""
    known = pose.status != Status.UNKNOWN
    index = {name: i for i, name in enumerate(pose.names)}
    ends = [index[end] for bone in markers.drawn(pose, known) for end in bone]
    joints = np.flatnonzero(known)
    # The bones, then what is known, then what is gone.
    position = np.zeros((1 + len(known), 3))
    scale = np.zeros_like(position)
    scale[0, 0] = markers.BONE_WIDTH_M
    position[1 : 1 + len(joints)] = pose.position[joints]
    scale[1 : 1 + len(joints)] = 2.0 * pose.sigma_m()[joints, None]
    numbers = {
        **_stamp("markers.header.stamp", pose.stamp_ns),
        "markers.points": pose.position[ends],
        "markers.pose.position": position,
        "markers.scale": scale,
    }
    key = ("markers", pose.names, pose.frame_id, known.tobytes())
    return _form(key, lambda: markers.to_markers(pose)).filled(numbers)


def pelvis_markers_data(state: PelvisState, landmarks: PelvisLandmarks) -> Filled:
    """Return a pelvis as the serialised ``MarkerArray`` of `markers.to_pelvis_markers`."""
    known = landmarks.status != Status.UNKNOWN
    n = len(known)
    numbers = _stamp("markers.header.stamp", state.stamp_ns)
    axes = state.axes if state.origin is not None else None
    key = ("pelvis markers", landmarks.names, state.frame_id, known.tobytes(), axes is not None)
    form = _form(key, lambda: markers.to_pelvis_markers(state, landmarks))
    if axes is not None and state.origin is not None:
        tips = state.origin + markers.ARROW_M * axes.T
        points = np.empty((2 * len(tips), 3))
        points[0::2], points[1::2] = state.origin, tips
        numbers["markers.points"] = points
    if known.any():
        position, colour = form["markers.pose.position"], form["markers.color"]
        position[:n][known] = landmarks.position[known]
        sigma = landmarks.sigma_m[known]
        colour[:n, 3][known] = markers.HALF_CLEAR_M / (markers.HALF_CLEAR_M + sigma)
        numbers |= {"markers.pose.position": position, "markers.color": colour}
    return form.filled(numbers)


_forms: dict[tuple[Any, ...], Form] = {}


def _form(key: tuple[Any, ...], made: Callable[[], Any]) -> Form:
    """Return the form of messages that are alike but for the numbers that are filled in."""
    form = _forms.get(key)
    if form is None:
        if len(_forms) >= FORMS:
            _forms.clear()
        form = _forms[key] = Form(made())
    return form


def _stamp(path: str, stamp_ns: int) -> dict[str, Any]:
    seconds, rest = divmod(int(stamp_ns), NANOSECONDS)
    return {f"{path}.sec": seconds, f"{path}.nanosec": rest}


def _estimate(path: str, value: Estimate) -> dict[str, Any]:
    return {
        f"{path}.status": value.status,
        f"{path}.reason": value.reason,
        f"{path}.value": value.value,
        f"{path}.sigma": value.sigma,
    }


def _keypoints(
    path: str,
    points: BodyPose | PelvisLandmarks,
    sigma_m: NDArray[np.float64],
    covariance: NDArray[np.float64],
) -> dict[str, Any]:
    return {
        f"{path}.status": points.status,
        f"{path}.reason": points.reason,
        f"{path}.position": points.position,
        f"{path}.sigma_m": sigma_m,
        f"{path}.covariance": covariance[:, convert.UPPER_TRIANGLE[0], convert.UPPER_TRIANGLE[1]],
        f"{path}.visibility": points.visibility,
        f"{path}.pixel": points.pixel,
    }
