"""The one description of the graph: which nodes run, with which parameters and remappings.

``lbp-rehab run`` (`lbp_rehab.runner`) and ``launch/*.launch.py`` are both made from it.
"""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from lbp_rehab import parameter_file
from lbp_rehab.errors import InputError
from lbp_rehab.parameter_file import ParameterFile
from lbp_rehab.paths import PACKAGE, config_dir
from lbp_rehab.quality.exercise import is_path

# Results in a recording, made in whatever namespace, would meet those of the running graph.
# The truth of a synthetic patient is no result.
RESULTS = (
    r"(?!/truth/)(/\w+)*/((body|pelvis|exercise|quality|feedback|session)/.*|emg/activation)"
    r"|/diagnostics|/rosout|/tf|.*/_service_event"
)
NAMESPACE = re.compile(r"/?[A-Za-z_][A-Za-z0-9_]*(/[A-Za-z_][A-Za-z0-9_]*)*/?|/?")

CAMERA_NODES = ("camera_driver", "pose_estimator", "pelvic_angle_estimator")

Value = bool | int | float | str | list[float] | list[str]


def _option(default: Any, text: str) -> Any:
    return field(default=default, metadata={"help": text})


@dataclass(frozen=True)
class SessionOptions:
    """What a user chooses for a session; each field is an option of the command line and of launch.

    Empty strings mean "not set": the node's own parameter file then counts.
    """

    camera: str = _option(
        "webcam:0",
        "folder:PATH, video:PATH, webcam:N, realsense[:SERIAL], bag:PATH, synthetic:E or none",
    )
    camera_rate: float = _option(0.0, "rate of a folder [Hz]; 0: its own")
    camera_loop: bool = _option(False, "play a recorded camera in a loop")
    camera_topics: str = _option(
        "", "prefix of a stock driver's topics, e.g. /camera/camera (with --camera none)"
    )
    skeleton: str = _option(
        "", "another tracker instead of a camera: file:PATH.csv, markers or poses (--camera none)"
    )
    skeleton_layout: str = _option(
        "", "its joints: kinect25, coco17, blazepose33, halpe26 or azure32"
    )
    skeleton_rate: float = _option(0.0, "rows a second of its file, if that has no time [Hz]")
    subject: str = _option("", "who the patient is: nearest, mat, left, region:x0,y0,x1,y1, ...")
    gravity: str = _option("", "up direction: auto, overhead or x,y,z")
    emg: str = _option("none", "lsl:name=..., brainflow:BOARD, file:PATH, topic (emg/raw) or none")
    emg_channels: str = _option("", "YAML of each sEMG channel's muscle and side")
    mvc_file: str = _option("", "YAML of each channel's maximal voluntary contraction [V]")
    lsl_outlet: bool = _option(False, "send activation and scores as LSL streams to the network")
    exercise: str = _option(
        "", "exercise to score: a name or FILE.yaml; empty: wait for the action"
    )
    exercise_folder: str = _option(
        "", "folder of own exercise files (default: that of --exercise FILE.yaml)"
    )
    no_recognition: bool = _option(False, "do not recognise which exercise is done")
    language: str = _option("", "language of the cues: en, de, es or zh")
    voice_folder: str = _option("", "folder for the spoken cues as WAV files")
    mute: bool = _option(False, "no sound; cues stay text and WAV")
    person: str = _option("", "pseudonymous id of the patient, never a name")
    record: str = _option("", "folder of the bag to record")
    play: str = _option("", "bag to play into the graph")
    play_rate: float = _option(1.0, "speed of the played bag")
    play_paused: bool = _option(
        False, "the played bag waits for: ros2 param set /player paused false"
    )
    play_exclude: str = _option(
        "",
        "topics of the bag not to play (default: its results)",
    )
    params: str = _option("", "ROS parameter file laid over the nodes' own")
    namespace: str = _option("", "ROS namespace of all nodes")


DEFAULTS = SessionOptions()


@dataclass(frozen=True)
class NodeSpec:
    """One node of the graph.

    Attributes
    ----------
    name : str
        Of the node, of its module in `lbp_rehab.nodes` and of its executable.
    parameters : dict
        Over those of ``config/NAME.yaml``: the user's file, then the session's options.
    remappings : tuple of (str, str)
    parameter_files : tuple of str
        In the order in which they apply, before ``parameters``.
    namespace : str
    respawn : bool
        Whether the node is started again when it dies.
    ends_session : bool
        Whether the session is over when the node ends well: a recording was played to its end.
    """

    name: str
    parameters: dict[str, Value]
    remappings: tuple[tuple[str, str], ...] = ()
    parameter_files: tuple[str, ...] = ()
    namespace: str = ""
    respawn: bool = True
    ends_session: bool = False

    @property
    def module(self) -> str:
        """The Python module that defines the node."""
        return f"{PACKAGE}.nodes.{self.name}"

    def command(self) -> list[str]:
        """Return the command line of a process that runs the node."""
        return [sys.executable, "-m", f"{PACKAGE}.start", self.name, *self.ros_arguments()]

    def ros_arguments(self) -> list[str]:
        """Return the arguments for ``rclpy.init`` or the end of a command line."""
        out = ["--ros-args", "-r", f"__node:={self.name}"]
        if self.namespace.strip("/"):
            out += ["-r", f"__ns:=/{self.namespace.strip('/')}"]
        for source, target in self.remappings:
            out += ["-r", f"{source}:={target}"]
        for path in self.parameter_files:
            out += ["--params-file", path]
        for key, value in self.parameters.items():
            # JSON is YAML, and quoted strings stay strings ("007").
            out += ["-p", f"{key}:={json.dumps(value)}"]
        return out


def session_graph(options: SessionOptions) -> tuple[NodeSpec, ...]:
    """Return the nodes of a session.

    Raises
    ------
    InputError
        If options contradict each other or a file they name is missing.
    """
    _check(options)
    theirs = parameter_file.load(Path(options.params)) if options.params else ParameterFile()
    # A played bag brings its own time on /clock.
    sim_time: dict[str, Value] = {"use_sim_time": True} if options.play else {}
    prefix = _camera_topics(options)
    camera_topics = ("color/image_raw", "aligned_depth_to_color/image_raw", "color/camera_info")
    remap = tuple((f"camera/{t}", f"{prefix}/{t}") for t in camera_topics) if prefix else ()

    def node(
        name: str, respawn: bool = True, ends_session: bool = False, **parameters: Value
    ) -> NodeSpec:
        path = config_dir() / f"{name}.yaml"
        known = {k for _, section in parameter_file.load(path).sections for k in section}
        return NodeSpec(
            name=name,
            parameters=theirs.of(name, options.namespace, known)
            | {k: v for k, v in parameters.items() if v not in ("", [])}
            | (sim_time if name != "player" else {}),
            remappings=remap if name in CAMERA_NODES else (),
            parameter_files=(str(path),),
            namespace=options.namespace,
            respawn=respawn,
            ends_session=ends_session,
        )

    person = options.person
    exercise, exercise_folder = _exercise(options)
    nodes: list[NodeSpec] = []
    if not options.skeleton:
        nodes.append(
            node(
                "pose_estimator", subject=options.subject, gravity=options.gravity, person_id=person
            )
        )
    nodes.append(node("pelvic_angle_estimator"))
    if options.emg != "none":
        nodes.append(
            node(
                "emg_bridge",
                source=options.emg,
                channel_file=options.emg_channels,
                mvc_file=options.mvc_file,
                person_id=person,
            )
        )
    if not options.no_recognition:
        nodes.append(node("exercise_recogniser"))
    nodes += [
        node(
            "quality_scorer",
            exercise=exercise,
            exercise_folder=exercise_folder,
            person_id=person,
        ),
        node(
            "feedback_speaker",
            exercise_folder=exercise_folder,
            language=options.language,
            wav_folder=options.voice_folder,
            mute=options.mute,
        ),
    ]
    if options.lsl_outlet:
        nodes.append(node("lsl_outlet"))
    if options.record:
        nodes.append(node("recorder", output=options.record))
    recorded = options.camera.partition(":")[0] in ("folder", "video", "bag")
    if options.camera != "none":
        nodes.insert(
            0,
            node(
                "camera_driver",
                source=options.camera,
                rate_hz=float(options.camera_rate),
                loop=options.camera_loop,
                exit_at_end=recorded and not options.camera_loop,
                ends_session=recorded and not options.camera_loop,
                wait_for=_readers(nodes, options) if recorded else [],
            ),
        )
    if options.skeleton:
        from_file = options.skeleton.startswith("file:")
        nodes.insert(
            0,
            node(
                "skeleton_bridge",
                source=options.skeleton,
                layout=options.skeleton_layout,
                rate_hz=float(options.skeleton_rate) or "",
                person_id=person,
                exit_at_end=from_file,
                ends_session=from_file,
                wait_for=_readers(nodes, options) if from_file else [],
            ),
        )
    if options.play:
        nodes.append(
            node(
                "player",
                respawn=False,
                ends_session=True,
                bag=options.play,
                rate=float(options.play_rate),
                paused=options.play_paused,
                exclude=[options.play_exclude or RESULTS],
                wait_for=_readers(nodes, options),
                clock=True,
                relative=bool(options.namespace.strip("/")),
            )
        )
    return tuple(nodes)


def _camera_topics(options: SessionOptions) -> str:
    """Return the prefix of a stock driver's topics; a bag's are played into the namespace."""
    prefix = options.camera_topics.rstrip("/")
    return prefix.lstrip("/") if options.play and options.namespace.strip("/") else prefix


def _exercise(options: SessionOptions) -> tuple[str, str]:
    """Return the exercise's name and the folder of own files, where every node looks it up."""
    folder = Path(options.exercise_folder).expanduser() if options.exercise_folder else None
    if folder is not None and not folder.is_dir():
        raise InputError(f"there is no folder of exercises '{folder}'; check the path")
    name = options.exercise
    if is_path(name):
        path = Path(name).expanduser()
        if not path.is_file():
            raise InputError(f"there is no exercise file '{name}'; check the path")
        if folder is not None and folder.resolve() != path.parent.resolve():
            raise InputError(f"'{name}' is not in '{folder}'; give either, or the exercise's name")
        name, folder = path.stem, path.parent
    return name, str(folder.resolve()) if folder else ""


def _readers(nodes: list[NodeSpec], options: SessionOptions) -> list[str]:
    """Return how many readers each topic has once every node is up, for the player to wait for."""
    recorders = int(bool(options.record))
    outlets = int(options.lsl_outlet)
    camera = _camera_topics(options) or "camera"
    recognisers = int(not options.no_recognition)
    readers = {
        "body/pose": 2 + recognisers,
        "pelvis/state": 1 + recognisers,
        "quality/live": 1 + outlets,
    }
    if not options.skeleton:
        readers = {f"{camera}/color/image_raw": 1, **readers}
    elif options.skeleton == "markers" and options.play:
        readers["body_tracking_data"] = 1
    if any(node.name == "emg_bridge" for node in nodes):
        readers["emg/activation"] = 1 + outlets
        readers["emg/raw"] = int(options.emg == "topic")
    recorded = [f"{topic}={count + recorders}" for topic, count in readers.items()]
    if options.skeleton:
        return recorded
    # Not every bag has them, and the recorder reads only what is published.
    depth = ("aligned_depth_to_color/image_raw", "color/camera_info")
    return recorded + [f"{camera}/{topic}=2" for topic in depth]


def option_help() -> dict[str, tuple[Value, str]]:
    """Return each option's default and help."""
    return {f.name: (getattr(DEFAULTS, f.name), f.metadata["help"]) for f in fields(DEFAULTS)}


def _check(options: SessionOptions) -> None:
    if options.skeleton and options.camera != "none":
        raise InputError("a skeleton takes the place of the camera; add --camera none")
    if options.play and options.camera != "none":
        raise InputError("a played bag brings its own camera; add --camera none")
    if not NAMESPACE.fullmatch(options.namespace):
        raise InputError(
            f"'{options.namespace}' is not a ROS namespace; write names of letters, digits and _ "
            "that begin with no digit, joined by '/'"
        )
    if options.play and not Path(options.play).exists():
        raise InputError(f"there is no bag '{options.play}'")
    if options.record and Path(options.record).exists():
        raise InputError(f"'{options.record}' exists already; record to a new folder")
