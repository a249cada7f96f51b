"""The graph of a session as parts of a replay: from the first stage that was recorded on."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from importlib import import_module
from pathlib import Path

from lbp_rehab.errors import InputError
from lbp_rehab.graph import NodeSpec, SessionOptions, session_graph
from lbp_rehab.nodes.base import node_class
from lbp_rehab.replay.lockstep import Part

# What each node must hear to do its work, and what it gives.
_COLOR, _INFO = "camera/color/image_raw", "camera/color/camera_info"
_DEPTH = "camera/aligned_depth_to_color/image_raw"
_POSE, _PELVIS, _EMG = "body/pose", "pelvis/state", "emg/activation"
NEEDS = {
    "pose_estimator": (_COLOR, _INFO),
    "pelvic_angle_estimator": (_POSE,),
    "emg_bridge": ("emg/raw",),
    "exercise_recogniser": (_POSE,),
    "quality_scorer": (_POSE,),
    "feedback_speaker": ("quality/live",),
}
GIVES = {
    "pose_estimator": (_POSE,),
    "pelvic_angle_estimator": (_PELVIS,),
    "emg_bridge": (_EMG,),
    "quality_scorer": ("quality/live",),
}
# Not the same from one replay to the next, or of no use in one.
FIXED: dict[str, dict[str, str | bool]] = {
    "emg_bridge": {"mvc_folder": ""},  # a recorded calibration must not be stored once more
    "quality_scorer": {"session_id": "replay"},
    "feedback_speaker": {"mute": True},
}


def parts(topics: Collection[str], options: SessionOptions, bag: Path) -> list[Part]:
    """Return the nodes of a session that a recording can feed.

    Parameters
    ----------
    topics : collection of str
        Of the recording, with compressed images under their base topics.
    options : SessionOptions
        Of the graph; where its sensors are comes from the recording.
    bag : Path

    Raises
    ------
    InputError
        If options contradict each other, or no node can begin with what was recorded.
    """
    emg = "topic" if _heard("emg/raw", topics, options) else "none"
    graph = session_graph(
        replace(options, camera="none", emg=emg, play=str(bag), record="", lsl_outlet=False)
    )
    there = set(topics)
    chosen = []
    for spec in graph:
        needs = NEEDS.get(spec.name)
        if needs is None or not all(_there(n, spec, there) for n in needs):
            continue
        without_depth = spec.name == "pelvic_angle_estimator" and not _there(_DEPTH, spec, there)
        if without_depth and _there(_PELVIS, spec, there):
            continue  # what was measured from depth is better than what can be made without
        there |= {_name(given, spec) for given in GIVES.get(spec.name, ())}
        chosen.append(_part(spec))
    if not chosen:
        raise InputError(
            f"the bag '{bag}' holds nothing that a node of the graph can begin with, such as "
            f"{_COLOR}, {_POSE} or emg/raw; its topics are {', '.join(sorted(topics)) or 'none'}"
        )
    return chosen


def _part(spec: NodeSpec) -> Part:
    fixed = replace(spec, parameters={**spec.parameters, **FIXED.get(spec.name, {})})
    return Part(node_class(import_module(spec.module)), tuple(fixed.ros_arguments()))


def _there(topic: str, spec: NodeSpec, topics: Collection[str]) -> bool:
    return _name(topic, spec) in topics


def _name(topic: str, spec: NodeSpec) -> str:
    """Return a topic's full name as a node knows it."""
    name = dict(spec.remappings).get(topic, topic)
    space = spec.namespace.strip("/")
    return name if name.startswith("/") else f"/{space}/{name}" if space else f"/{name}"


def _heard(topic: str, topics: Collection[str], options: SessionOptions) -> bool:
    space = options.namespace.strip("/")
    return (f"/{space}/{topic}" if space else f"/{topic}") in topics
