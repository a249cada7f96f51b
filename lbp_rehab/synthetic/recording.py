"""Write a synthetic recording with its truth as a rosbag2.

The same scenario gives the same bytes with the same versions of the libraries.
"""

from __future__ import annotations

import contextlib
import heapq
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer
from rosbags.rosbag2.errors import WriterError
from scipy.spatial.transform import Rotation

from lbp_rehab import __version__
from lbp_rehab.breath.types import Breath
from lbp_rehab.camera.types import RgbdFrame
from lbp_rehab.errors import InputError
from lbp_rehab.estimate import Estimate, Reason
from lbp_rehab.paths import PACKAGE
from lbp_rehab.pelvis.types import PelvisState
from lbp_rehab.pose.types import BodyPose
from lbp_rehab.quality.exercise import known_exercises, load_exercise
from lbp_rehab.quality.measures import (
    BREATH,
    PELVIS,
    POSE,
    of_side,
    read,
    source,
)
from lbp_rehab.quality.types import Side
from lbp_rehab.synthetic import messages, truth
from lbp_rehab.synthetic.clock import Clock, ClockSettings
from lbp_rehab.synthetic.emg.electrodes import ElectrodeSettings
from lbp_rehab.synthetic.emg.stream import EmgStream, mvc_envelopes_v
from lbp_rehab.synthetic.emg.truth import EmgTruth
from lbp_rehab.synthetic.motion.movement import Repetition
from lbp_rehab.synthetic.person.makehuman import require_extra
from lbp_rehab.synthetic.request import command_line
from lbp_rehab.synthetic.scenario import Scenario, check_losses
from lbp_rehab.synthetic.studio import FRAME_ID, Shown, Studio
from lbp_rehab.synthetic.sync import add_pulses

COLOUR = "/camera/color/image_raw/compressed"
DEPTH = "/camera/aligned_depth_to_color/image_raw/compressedDepth"
INFO = "/camera/color/camera_info"
EMG = "/emg/raw"
TRUE_POSE, TRUE_PELVIS = "/truth/body/pose", "/truth/pelvis/state"
TRUE_LIVE, TRUE_REPETITION = "/truth/quality/live", "/truth/quality/repetition"
TRUE_EMG = "/truth/emg/activation"
TOPICS: dict[str, str] = {
    COLOUR: "sensor_msgs/msg/CompressedImage",
    DEPTH: "sensor_msgs/msg/CompressedImage",
    INFO: "sensor_msgs/msg/CameraInfo",
    EMG: f"{PACKAGE}/msg/EmgRaw",
    TRUE_POSE: f"{PACKAGE}/msg/BodyPose",
    TRUE_PELVIS: f"{PACKAGE}/msg/PelvisState",
    TRUE_LIVE: f"{PACKAGE}/msg/QualityLive",
    TRUE_REPETITION: f"{PACKAGE}/msg/Repetition",
    TRUE_EMG: f"{PACKAGE}/msg/EmgActivation",
}
ACTIVATION_HZ = 50.0
CHUNK_S = 0.04
_PULSE_DRAWS = 25  # stream of draws
MVC_FILE, SCENARIO_FILE = "mvc.yaml", "scenario.yaml"

Event = tuple[int, int, str, Any]  # log time, order at one time, topic, message


@dataclass(frozen=True)
class Output:
    """How to write a recording.

    Attributes
    ----------
    jpeg_quality : int
        1 to 100.
    png_compression : int
        1 (fast) to 9 (small).
    electrodes : ElectrodeSettings
    emg_clock : ClockSettings
    """

    jpeg_quality: int = 90
    png_compression: int = 2
    electrodes: ElectrodeSettings = field(default_factory=ElectrodeSettings)
    emg_clock: ClockSettings = field(default_factory=ClockSettings)

    def __post_init__(self) -> None:
        if not 1 <= self.jpeg_quality <= 100:
            raise InputError(f"a JPEG quality of {self.jpeg_quality} must be 1 to 100")
        if not 1 <= self.png_compression <= 9:
            raise InputError(f"a PNG compression of {self.png_compression} must be 1 to 9")
        check_losses(self.emg_clock)


def record(
    folder: Path,
    scenario: Scenario,
    output: Output | None = None,
    progress: Callable[[Iterator[Shown], int], Iterator[Shown]] = lambda frames, n: frames,
) -> Studio:
    """Write the bag into a new folder, with `MVC_FILE` and `SCENARIO_FILE` in it.

    The folder comes to be when everything is in it; what ends the recording before leaves nothing.

    Parameters
    ----------
    progress : callable
        Wraps the frames, whose number it is told, to show how far it is.

    Raises
    ------
    InputError
        If the folder exists or cannot be written, or the optional part is not installed.
    """
    require_extra()
    with _whole(folder) as part, _said(folder):
        return _record(part, scenario, output or Output(), progress)


@contextlib.contextmanager
def _whole(folder: Path) -> Iterator[Path]:
    """Give a hidden place for a folder, which is moved to its own at the end or else removed."""
    final = Path(os.path.abspath(folder))
    if os.path.lexists(final):
        raise InputError(f"{folder} exists: give another folder or remove it")
    made: list[Path] = []
    hidden: Path | None = None
    try:
        with _said(folder):
            for parent in (*reversed(final.parent.parents), final.parent):
                if not parent.exists():
                    parent.mkdir()
                    made.append(parent)
            hidden = Path(tempfile.mkdtemp(prefix=f".{final.name}.part-", dir=final.parent))
        part = hidden / final.name  # the name goes into the bag
        yield part
        with _said(folder):
            part.rename(final)
    finally:
        if hidden is not None:
            shutil.rmtree(hidden, ignore_errors=True)
        if not os.path.lexists(final):
            with contextlib.suppress(OSError):  # somebody else's files may be in there by now
                for parent in reversed(made):
                    parent.rmdir()


@contextlib.contextmanager
def _said(folder: Path) -> Iterator[None]:
    """Say in one sentence what the system has against a folder."""
    try:
        yield
    except (OSError, WriterError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(
            f"cannot write '{folder}': {reason}; give another folder or make room"
        ) from None


def _record(
    folder: Path,
    scenario: Scenario,
    output: Output,
    progress: Callable[[Iterator[Shown], int], Iterator[Shown]],
) -> Studio:
    studio = Studio(scenario)
    n = int(scenario.movement.duration_s * scenario.rate_hz)
    frames = progress(studio.frames(), n)
    stream = EmgStream(scenario.movement, output.electrodes, scenario.seed, scenario.split)
    events = heapq.merge(
        _images(frames, studio, output),
        _emg(stream, scenario, output),
        _activations(stream, scenario),
        _repetitions(studio),
        key=lambda event: event[:2],
    )
    volts = mvc_envelopes_v(scenario.seed, output.electrodes, scenario.split)
    text = "# Volts: highest envelope of each channel at a maximal contraction.\n"
    rounded = {label: float(f"{v:.4g}") for label, v in volts.items()}
    described = yaml.safe_dump(_described(studio, output), sort_keys=False, width=4096)
    _write(folder, events)
    (folder / MVC_FILE).write_text(text + yaml.safe_dump(rounded, sort_keys=False))
    (folder / SCENARIO_FILE).write_text(described)
    return studio


def _write(folder: Path, events: Iterator[Event]) -> None:
    store = messages.typestore()
    writer = Writer(folder, version=9, storage_plugin=StoragePlugin.MCAP)
    writer.set_compression(CompressionMode.STORAGE, CompressionFormat.ZSTD)
    with writer:
        connections = {
            topic: writer.add_connection(topic, kind, typestore=store)
            for topic, kind in TOPICS.items()
        }
        for log_ns, _, topic, message in events:
            writer.write(connections[topic], log_ns, store.serialize_cdr(message, TOPICS[topic]))


def _images(frames: Iterator[Shown], studio: Studio, output: Output) -> Iterator[Event]:
    scenario = studio.scenario
    for shown in frames:
        true_ns = shown.pose.stamp_ns
        quaternion = Rotation.from_matrix(shown.pelvis.axes).as_quat(canonical=True)
        live = messages.quality_live(scenario.movement, shown.t_s, scenario.start_ns)
        if not shown.lost:  # what is true is true without an image of it
            yield from _image(shown.frame, true_ns, studio, output)
        yield true_ns, 3, TRUE_POSE, messages.body_pose(shown.pose)
        yield true_ns, 4, TRUE_PELVIS, messages.pelvis_state(shown.pelvis, quaternion)
        yield true_ns, 5, TRUE_LIVE, live


def _image(frame: RgbdFrame, true_ns: int, studio: Studio, output: Output) -> Iterator[Event]:
    stamp_ns = frame.stamp_ns
    assert frame.depth is not None
    colour = messages.colour_image(stamp_ns, FRAME_ID, frame.color, output.jpeg_quality)
    depth = messages.depth_image(stamp_ns, FRAME_ID, frame.depth, output.png_compression)
    yield true_ns, 0, INFO, messages.camera_info(stamp_ns, FRAME_ID, studio.camera)
    yield true_ns, 1, COLOUR, colour
    yield true_ns, 2, DEPTH, depth


def _emg(stream: EmgStream, scenario: Scenario, output: Output) -> Iterator[Event]:
    settings = output.emg_clock
    if not settings.origin_ns:  # or a drift would have put it days away by now
        settings = replace(settings, origin_ns=scenario.start_ns)
    clock = Clock(settings, scenario.seed, device=1)
    n = round(CHUNK_S * output.electrodes.rate_hz)
    chunks = stream.chunks(n, scenario.start_ns)
    if scenario.flashes_s:
        electrodes = output.electrodes
        chunks = add_pulses(
            chunks, scenario.flashes_s, scenario.start_ns, scenario.draws(_PULSE_DRAWS),
            step_v=electrodes.step_v, range_v=electrodes.range_v,
        )  # fmt: skip
    for chunk, item in clock.deliver(chunks):
        yield item.arrival_ns, 6, EMG, messages.emg_raw(chunk)


def _activations(stream: EmgStream, scenario: Scenario) -> Iterator[Event]:
    known = EmgTruth(stream)
    n = int((scenario.movement.duration_s - stream.start_s) * ACTIVATION_HZ)
    for first in range(0, n, 500):
        t_s = stream.start_s + np.arange(first, min(first + 500, n)) / ACTIVATION_HZ
        for activation in known.activations(t_s, scenario.start_ns):
            yield activation.stamp_ns, 7, TRUE_EMG, messages.emg_activation(activation)


def _repetitions(studio: Studio) -> Iterator[Event]:
    scenario = studio.scenario
    for made in scenario.movement.repetitions:
        message = messages.repetition(
            made,
            scenario.exercise,
            range_of_motion(studio, made),
            scenario.start_ns,
        )
        yield scenario.stamp_ns(made.end_s), 8, TRUE_REPETITION, message


def range_of_motion(studio: Studio, made: Repetition) -> Estimate:
    """Return the true range of the exercise's primary measure; unknown without its definition."""
    scenario = studio.scenario
    if scenario.exercise not in known_exercises():
        return Estimate.unknown(Reason.MISSING_INPUT)
    name = of_side(load_exercise(scenario.exercise).primary, Side[made.side.upper()])
    values = []
    for t_s in (made.start_s, made.top_s):
        pose, (belly_m, chest_m) = studio.patient.at(t_s)
        stamp_ns = scenario.stamp_ns(t_s)
        walls = Estimate(belly_m, truth.SIGMA_M), Estimate(chest_m, truth.SIGMA_M)
        items: dict[str, BodyPose | PelvisState | Breath] = {
            POSE: studio.keypoints(pose, stamp_ns),
            PELVIS: studio.pelvis(pose, stamp_ns),
            BREATH: Breath(stamp_ns, "", "", *walls, Estimate.unknown(Reason.TOO_EARLY)),
        }
        value = read(name, items[source(name)])
        if not value.known:
            return value
        values.append(value.value)
    return Estimate(abs(values[1] - values[0]), truth.SIGMA_RAD)


def _described(studio: Studio, output: Output) -> dict[str, Any]:
    """Return what made the recording, to be written beside it."""
    person = studio.patient.person
    scenario = _plain(asdict(studio.scenario))
    if not studio.scenario.sync_flashes:
        del scenario["sync_flashes"]
    described = {
        "made_by": f"{PACKAGE} {__version__}",
        "command": command_line(studio.scenario, output),
        "scenario": scenario,
        "output": _plain(asdict(output)),
        "view": str(studio.view),
        "support": studio.staging.room.support,
        "person": {
            "sex": person.sex,
            "age_years": round(float(person.age_years)),
            "height_m": round(float(person.height_m), 3),
            "mass_kg": round(float(person.mass_kg), 1),
        },
    }
    if studio.led is not None:
        described["sync"] = {
            "flashes_s": list(studio.scenario.flashes_s),
            "led_pixel": [round(value, 1) for value in studio.led.pixel],
        }
    return described


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.name.lower()
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value
