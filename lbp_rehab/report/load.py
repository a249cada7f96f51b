"""What a page shows, read from a bag."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rclpy.serialization import deserialize_message

from lbp_rehab.bags import BagReader
from lbp_rehab.bags.definitions import message_class
from lbp_rehab.errors import InputError
from lbp_rehab.nodes.convert import from_body_pose, to_ns
from lbp_rehab.pose.overlay import draw
from lbp_rehab.pose.types import BodyPose
from lbp_rehab.report.frames import colour_images

ANGLES = ("tilt_relative", "obliquity_relative", "tilt", "obliquity", "rotation")
LIGHT = (
    "/body/pose", "/pelvis/state", "/quality/live", "/quality/repetition", "/feedback/cue",
    "/emg/activation", "/truth/pelvis/state",
)  # fmt: skip


@dataclass(frozen=True)
class Series:
    """A quantity over time; nan where it was unknown.

    Attributes
    ----------
    t : ndarray, shape (n,)
        Seconds since the recording's first pose.
    value, sigma : ndarray, shape (n,)
    """

    t: NDArray[np.float64]
    value: NDArray[np.float64]
    sigma: NDArray[np.float64]


@dataclass
class Session:
    """A recorded session as a page shows it.

    Attributes
    ----------
    bag : Path
    start_ns : int
        Stamp that counts as time zero.
    poses : list of BodyPose
    pelvis, truth : dict of str to Series
        Radians, by the field's name in ``PelvisState``; the truth only from a synthetic patient.
    progress : Series
        0 to 1.
    repetitions, cues : list of messages
    activation : dict of str to Series
        By muscle and side: fraction of MVC, or volts where there is no MVC.
    activation_unit : str
    counts : dict of str to int
        Messages by topic.
    warnings : list of str
    """

    bag: Path
    start_ns: int
    poses: list[BodyPose] = field(default_factory=list)
    pelvis: dict[str, Series] = field(default_factory=dict)
    truth: dict[str, Series] = field(default_factory=dict)
    progress: Series | None = None
    repetitions: list[Any] = field(default_factory=list)
    cues: list[Any] = field(default_factory=list)
    activation: dict[str, Series] = field(default_factory=dict)
    activation_unit: str = ""
    counts: dict[str, int] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def seconds(self, stamp: Any) -> float:
        """Return a message stamp in seconds since time zero."""
        return (to_ns(stamp) - self.start_ns) / 1e9

    def nearest_pose(self, seconds: float) -> BodyPose:
        """Return the pose nearest to a time."""
        stamps = np.array([p.stamp_ns for p in self.poses])
        return self.poses[int(np.argmin(np.abs(stamps - self.start_ns - seconds * 1e9)))]


def load(bag: Path) -> Session:
    """Read a session from a bag.

    Raises
    ------
    InputError
        If there is no bag, or it holds no poses.
    """
    messages: dict[str, list[Any]] = {topic: [] for topic in LIGHT}
    with BagReader(bag, as_installed=True) as reader:
        names = {_absolute(topic, LIGHT): topic for topic in reader.topics}
        names.pop(None, None)
        for topic, message in _messages(reader, [t for t in names.values() if t]):
            messages[str(_absolute(topic, LIGHT))].append(message)
        counts, warnings = dict(sorted(reader.counts.items())), list(reader.warnings)
    if not messages["/body/pose"]:
        raise InputError(f"the bag '{bag}' holds no poses (body/pose); record the running graph")
    poses = [from_body_pose(m) for m in messages["/body/pose"]]
    session = Session(bag, poses[0].stamp_ns, poses, counts=counts, warnings=warnings)
    for target, topic in ((session.pelvis, "/pelvis/state"),
                          (session.truth, "/truth/pelvis/state")):  # fmt: skip
        for name in ANGLES:
            if messages[topic]:
                target[name] = _series(session, messages[topic], name)
    if messages["/quality/live"]:
        session.progress = _series(session, messages["/quality/live"], "progress")
    session.repetitions = messages["/quality/repetition"]
    session.cues = messages["/feedback/cue"]
    if messages["/emg/activation"]:
        _add_activation(session, messages["/emg/activation"])
    return session


def frames(session: Session, times: list[float]) -> Iterator[tuple[float, NDArray[np.uint8]]]:
    """Yield the colour frames at some times with the skeleton drawn in; fewer if not recorded."""
    wanted = {session.nearest_pose(t).stamp_ns: t for t in sorted(times)}
    poses = {p.stamp_ns: p for p in session.poses if p.stamp_ns in wanted}
    with BagReader(session.bag, as_installed=True) as reader:
        for stamp_ns, image in colour_images(reader, poses):
            yield (stamp_ns - session.start_ns) / 1e9, draw(image, poses[stamp_ns])


def _absolute(topic: str, known: tuple[str, ...]) -> str | None:
    """Return the known topic that a recorded one is, under whatever namespace."""
    if topic in known:
        return topic
    if "/truth/" in topic:
        return None
    return next((k for k in known if topic.endswith(k)), None)


def _messages(reader: BagReader, topics: list[str]) -> Iterator[tuple[str, Any]]:
    classes = {t: message_class(reader.topics[t].type) for t in topics}
    for recorded in reader.messages(topics):
        kind = classes[recorded.topic]
        if kind is not None:
            yield recorded.topic, deserialize_message(recorded.data, kind)


def _series(session: Session, messages: list[Any], name: str) -> Series:
    rows = [getattr(m, name) for m in messages]
    known = np.array([r.status != 0 for r in rows])
    return Series(
        np.array([session.seconds(m.header.stamp) for m in messages]),
        np.where(known, [r.value for r in rows], np.nan),
        np.where(known, [r.sigma for r in rows], np.nan),
    )


def _add_activation(session: Session, messages: list[Any]) -> None:
    t = np.array([session.seconds(m.header.stamp) for m in messages])
    first = messages[0].muscles
    normalised = any(row.activation.status for m in messages for row in m.muscles)
    session.activation_unit = "fraction of MVC" if normalised else "V"
    for i, row in enumerate(first):
        rows = [m.muscles[i] for m in messages if len(m.muscles) == len(first)]
        estimates = [r.activation if normalised else r.envelope for r in rows]
        known = np.array([e.status != 0 for e in estimates])
        session.activation[row.channel.label] = Series(
            t[: len(rows)],
            np.where(known, [e.value for e in estimates], np.nan),
            np.where(known, [e.sigma for e in estimates], np.nan),
        )
