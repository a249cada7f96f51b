"""``lbp-rehab doctor``: what works on this machine, and how to mend what does not.

With ``--sync BAG``: how far the stamps of sEMG and camera are apart in a recording.
"""

from __future__ import annotations

import argparse
import importlib
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lbp_rehab.commands.output import add_json, write_json
from lbp_rehab.errors import InputError
from lbp_rehab.paths import config_dir, resource_dir

if TYPE_CHECKING:
    from lbp_rehab.sync.bag import Measured
    from lbp_rehab.sync.light import Region

OK, OPTIONAL, BROKEN = "ok", "optional", "broken"
SHARED_MEMORY_MIB = 64 * 4  # four image publishers with the segment of config/fastdds.xml


@dataclass(frozen=True)
class Finding:
    """One line of the report: part, state (ok, optional, broken) and what was seen."""

    part: str
    state: str
    detail: str


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--sync", type=Path, metavar="BAG",
        help="instead: measure the offset of the sEMG's stamps against the camera's from flashes "
        "that both recorded",
    )  # fmt: skip
    parser.add_argument(
        "--region", default="", metavar="X0,Y0,X1,Y1",
        help="pixels in which the LED is (default: found by itself)",
    )  # fmt: skip
    parser.add_argument(
        "--channel", default="", metavar="LABEL", help="of the sEMG (default: all of them)"
    )
    add_json(parser)


def main(arguments: argparse.Namespace) -> int:
    """Check everything; exit code 1 if a needed part is broken, or an offset is ambiguous."""
    if arguments.sync is not None:
        return _sync(arguments)
    if arguments.region or arguments.channel:
        raise InputError("--region and --channel need --sync BAG")
    findings = [_guarded(part, check) for part, check in CHECKS.items()]
    if arguments.json != "-":
        for f in findings:
            print(f"{f.state:9} {f.part:22} {f.detail}")
    write_json(arguments.json, {"findings": [asdict(f) for f in findings]})
    return int(any(f.state == BROKEN for f in findings))


def _sync(arguments: argparse.Namespace) -> int:
    """Measure the offset of two clocks."""
    from tqdm import tqdm  # noqa: PLC0415

    from lbp_rehab.sync import sentence  # noqa: PLC0415
    from lbp_rehab.sync.bag import measure  # noqa: PLC0415

    with ExitStack() as bars:

        def progress(images: Iterator[Any], n: int) -> Iterator[Any]:
            # Closed before an error is told, which else stands in the middle of its line.
            bar = tqdm(images, total=n, unit="image", file=sys.stderr, leave=False, delay=2.0)
            bars.callback(bar.close)
            return iter(bar)

        found = measure(arguments.sync, _region(arguments.region), arguments.channel, progress)
    offset, region = found.offset, found.region
    if arguments.json != "-":
        place = f"{region.x0},{region.y0},{region.x1},{region.y1}"
        print(f"{sentence(offset)}.")
        print(
            f"  {offset.flashes} flashes in pixels {place} of {found.colour_topic}, "
            f"{offset.pulses} pulses in {found.channels} channels of {found.emg_topic}."
        )
        print(
            "  The camera's stamps are taken as the middle of the exposure; if it stamps the "
            "start, half the exposure time comes off the offset."
        )
    write_json(arguments.json, _sync_figures(found))
    return int(bool(offset.rivals_s))


def _sync_figures(found: Measured) -> dict[str, Any]:
    offset = found.offset

    def scaled(value: float | None, factor: float) -> float | None:
        return None if value is None else round(factor * value, 3)

    return {
        "offset_ms": scaled(offset.offset_s, 1e3),
        "low_ms": scaled(offset.low_s, 1e3),
        "high_ms": scaled(offset.high_s, 1e3),
        "events": offset.events,
        "flashes": offset.flashes,
        "pulses": offset.pulses,
        "rivals_ms": [scaled(value, 1e3) for value in offset.rivals_s],
        "drift_ppm": scaled(offset.drift, 1e6),
        "drift_low_ppm": scaled(offset.drift_low, 1e6),
        "drift_high_ppm": scaled(offset.drift_high, 1e6),
        "region": list(asdict(found.region).values()),
        "channels": found.channels,
    }


def _region(text: str) -> Region | None:
    from lbp_rehab.sync.light import Region  # noqa: PLC0415  (slow to import)

    if not text:
        return None
    parts = text.split(",")
    if len(parts) != 4 or not all(p.isascii() and p.isdecimal() and len(p) < 6 for p in parts):
        raise InputError(f"cannot read the region '{text}': write it as x0,y0,x1,y1 in pixels")
    x0, y0, x1, y1 = map(int, parts)
    return Region(x0, y0, x1, y1)


def _guarded(part: str, check: Callable[[], tuple[str, str]]) -> Finding:
    try:
        return Finding(part, *check())
    except InputError as error:
        return Finding(part, BROKEN, str(error))
    except Exception as error:  # a check must not hide the others
        return Finding(part, BROKEN, f"{type(error).__name__}: {error}")


def _python() -> tuple[str, str]:
    version = ".".join(map(str, sys.version_info[:3]))
    fits = (3, 10) <= sys.version_info[:2] <= (3, 12)
    return (OK if fits else BROKEN), f"{version} (3.10 to 3.12 are supported)"


def _ros() -> tuple[str, str]:
    import rclpy  # noqa: PLC0415

    where = os.environ.get("ROS_DISTRO", "wheels from PyPI")
    return OK, f"rclpy of {where}, {Path(rclpy.__file__).parent}"


def _messages() -> tuple[str, str]:
    from rclpy.type_support import check_for_type_support  # noqa: PLC0415

    from lbp_rehab import msg  # noqa: PLC0415

    kinds = [getattr(msg, name) for name in dir(msg) if name[0].isupper()]
    for kind in kinds:
        check_for_type_support(kind)
    return OK, f"{len(kinds)} messages have type support"


def _round_trip() -> tuple[str, str]:
    """Send one large image through DDS within this process."""
    import rclpy  # noqa: PLC0415
    from rclpy.executors import SingleThreadedExecutor  # noqa: PLC0415
    from sensor_msgs.msg import Image  # noqa: PLC0415

    from lbp_rehab.nodes import qos  # noqa: PLC0415

    context = rclpy.Context()
    rclpy.init(context=context)
    got: list[Image] = []
    try:
        node = rclpy.create_node("doctor", context=context)
        executor = SingleThreadedExecutor(context=context)
        executor.add_node(node)
        topic = f"doctor_{os.getpid()}"
        node.create_subscription(Image, topic, got.append, qos.RESULT)
        publisher = node.create_publisher(Image, topic, qos.RESULT)
        image = Image(width=640, height=480, step=1920, data=bytes(640 * 480 * 3))
        deadline = time.monotonic() + 5.0
        while not got and time.monotonic() < deadline:
            publisher.publish(image)
            executor.spin_once(timeout_sec=0.1)
        node.destroy_node()
    finally:
        rclpy.shutdown(context=context)
    if not got:
        return BROKEN, "an image sent to ourselves did not arrive within 5 s"
    return OK, "a 640x480 image came back through DDS"


def _transport() -> tuple[str, str]:
    profile = os.environ.get("FASTRTPS_DEFAULT_PROFILES_FILE", "")
    own = profile == str(config_dir() / "fastdds.xml")
    reach = os.environ.get("ROS_AUTOMATIC_DISCOVERY_RANGE", "SUBNET")
    return OK, f"profile {'of lbp_rehab' if own else profile or 'none'}, discovery {reach}"


def _shared_memory() -> tuple[str, str]:
    free = shutil.disk_usage("/dev/shm").free / 2**20
    if free < SHARED_MEMORY_MIB:
        return BROKEN, (
            f"{free:.0f} MiB free in /dev/shm; images need {SHARED_MEMORY_MIB} "
            "(in a container: --shm-size=1g)"
        )
    return OK, f"{free:.0f} MiB free in /dev/shm"


def _pose() -> tuple[str, str]:
    from lbp_rehab.pose.blazepose import Detector, LandmarkModel  # noqa: PLC0415

    Detector()
    LandmarkModel()
    return OK, "BlazePose detector and landmark model load"


def _networks() -> tuple[str, str]:
    from lbp_rehab.pelvis import head  # noqa: PLC0415
    from lbp_rehab.pose import lift  # noqa: PLC0415

    sizes = []
    for weights, network in ((lift.WEIGHTS, lift.Lifter), (head.WEIGHTS, head.PelvisHead)):
        network()
        size = (resource_dir() / "models" / weights).stat().st_size
        sizes.append(f"{weights} ({size / 1e6:.1f} MB)")
    return OK, f"{' and '.join(sizes)} load in onnxruntime {metadata.version('onnxruntime')}"


def _sample() -> tuple[str, str]:
    from lbp_rehab.bags import summary  # noqa: PLC0415
    from lbp_rehab.commands.demo import SAMPLE  # noqa: PLC0415

    found = summary(resource_dir() / SAMPLE)
    return OK, f"sample recording of {found.duration_s:.0f} s, {found.message_count} messages"


def _exercises() -> tuple[str, str]:
    from lbp_rehab.quality.exercise import known_exercises, load_exercise  # noqa: PLC0415

    names = known_exercises()
    for name in names:
        load_exercise(name)
    return OK, ", ".join(names)


def _companions() -> tuple[str, str]:
    from lbp_rehab import compat  # noqa: PLC0415

    own = [n for n in ("CvBridge", "SimpleFilter")
           if getattr(compat, n).__module__.startswith("lbp_rehab")]  # fmt: skip
    return OK, "stand-ins (not a ROS installation)" if own else "cv_bridge and message_filters"


def _optional(module: str, use: str, extra: str) -> Callable[[], tuple[str, str]]:
    def check() -> tuple[str, str]:
        try:
            found = importlib.import_module(module)
        except (ImportError, RuntimeError) as error:
            reason = str(error).splitlines()[0]
            return OPTIONAL, f"missing, for {use}: pip install lbp-rehab[{extra}] ({reason})"
        return OK, f"{getattr(found, '__version__', 'present')}, for {use}"

    return check


def _synthetic() -> tuple[str, str]:
    from lbp_rehab.synthetic.person.makehuman import require_extra  # noqa: PLC0415  (slow)

    try:
        require_extra()
    except InputError as error:
        return OPTIONAL, str(error)
    return OK, f"anny {metadata.version('anny')}, for recordings and benchmarks"


def _sound() -> tuple[str, str]:
    players = [p for p in ("pw-play", "paplay", "aplay") if shutil.which(p)]
    if not players:
        return OPTIONAL, "no aplay, paplay or pw-play: cues are text and WAV files, not heard"
    return OK, f"{players[0]} plays the cues"


CHECKS: dict[str, Callable[[], tuple[str, str]]] = {
    "python": _python,
    "ros": _ros,
    "messages": _messages,
    "transport profile": _transport,
    "shared memory": _shared_memory,
    "dds round trip": _round_trip,
    "cv_bridge, filters": _companions,
    "pose models": _pose,
    "trained networks": _networks,
    "exercises": _exercises,
    "sample recording": _sample,
    "LSL": _optional("pylsl", "sEMG streams", "emg"),
    "eSpeak NG": _optional("espeakng_loader", "spoken cues", "speech"),
    "Dask": _optional("distributed", "replays on a cluster", "cluster"),
    "sound": _sound,
    "RealSense": _optional("pyrealsense2", "RealSense cameras without their driver", "realsense"),
    "synthetic patient": _synthetic,
}
