"""``lbp-rehab synth``: record a synthetic patient with the truth, or list what it can do."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from tqdm import tqdm

from lbp_rehab.commands.output import add_json, write_json
from lbp_rehab.errors import InputError

EXIT_TERMINATED = 128 + signal.SIGTERM  # what a shell gives for SIGTERM
DAY_MS = 86_400_000.0
LARGEST_JITTER_MS = 1000.0
LARGEST_DRIFT_PPM = 10_000.0  # 1 %; a poor quartz errs by 100 ppm


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--list", action="store_true", help="say which exercises and faults there are, and end"
    )
    parser.add_argument("--out", type=Path, metavar="BAG", help="folder to write")
    parser.add_argument(
        "--exercise", metavar="E", help="such as glute_bridge; --list shows all of them"
    )
    parser.add_argument(
        "--fault", action="append", default=[], metavar="[N:]F[:S]",
        help="a fault (see --list) of all repetitions, or of repetition N with severity S; may be "
        "repeated",
    )  # fmt: skip
    parser.add_argument(
        "--severity", type=float, default=1.0, metavar="S",
        help="of faults that give none, 0 to 1 (default: 1)",
    )  # fmt: skip
    parser.add_argument("--seed", type=int, default=0, help="person, style, room, view and noise")
    parser.add_argument("--repetitions", type=int, default=5, metavar="N")
    parser.add_argument(
        "--side", default="alternating", metavar="SIDE", help="left, right or alternating"
    )
    parser.add_argument(
        "--camera", default="d435", metavar="C", help="d435, azure_kinect or ideal (default: d435)"
    )
    parser.add_argument(
        "--view", default="", metavar="V",
        help="side, oblique, overhead, foot, head or elevation,azimuth[,distance]; default: drawn",
    )  # fmt: skip
    parser.add_argument(
        "--support", default="", metavar="S", help="mat, bed, floor (default: drawn)"
    )
    parser.add_argument(
        "--condition", default="clear", metavar="C",
        help="clear, blanket, occluder, therapist, dark or misregistered",
    )  # fmt: skip
    parser.add_argument("--size", default="640x480", metavar="WxH", help="of the images")
    parser.add_argument("--rate", type=float, default=15.0, metavar="HZ", help="of the images")
    parser.add_argument(
        "--max-depth",
        type=float,
        default=0.0,
        metavar="M",
        help="give no farther depth (default: all)",
    )
    parser.add_argument("--jpeg-quality", type=int, default=90, metavar="Q", help="1 to 100")
    parser.add_argument(
        "--png-compression", type=int, default=2, metavar="L", help="of depth: 1 fast, 9 small"
    )
    parser.add_argument("--emg-rate", type=float, default=1000.0, metavar="HZ", help="1000 or 2000")
    parser.add_argument("--mains", type=float, default=50.0, metavar="HZ", help="50 or 60")
    parser.add_argument("--mvc-trial", action="store_true", help="begin with maximal contractions")
    parser.add_argument(
        "--loose", type=int, default=0, metavar="N", help="electrodes that come off for a while"
    )
    parser.add_argument(
        "--sync-flashes", type=int, default=0, metavar="N",
        help="flashes of an LED in the first rest, each with a pulse in all sEMG channels",
    )  # fmt: skip
    clocks = parser.add_argument_group("clocks", "of camera and amplifier, both perfect by default")
    clocks.add_argument(
        "--jitter", type=float, default=0.0, metavar="MS", help="of stamps, 1-sigma"
    )
    clocks.add_argument(
        "--drop", type=float, default=0.0, metavar="P", help="share of items lost, below 1"
    )
    clocks.add_argument("--emg-drift", type=float, default=0.0, metavar="PPM")
    clocks.add_argument("--emg-offset", type=float, default=0.0, metavar="MS")
    add_json(parser)


def main(arguments: argparse.Namespace) -> int:
    """Write the recording."""
    if arguments.list:
        return _list(arguments)
    if arguments.exercise is None or arguments.out is None:
        raise InputError("give --exercise and --out, or --list to see the exercises")
    from lbp_rehab.synthetic.person.makehuman import require_extra  # noqa: PLC0415

    require_extra()
    from lbp_rehab.synthetic.recording import record  # noqa: PLC0415  (needs the extra)

    with _terminable(), ExitStack() as bars:

        def progress(frames: Any, n: int) -> Any:
            # Closed before an error is told, which else stands in the middle of its line.
            bar = tqdm(frames, total=n, unit="frame", file=sys.stderr)
            bars.callback(bar.close)
            return bar

        studio = record(arguments.out, _scenario(arguments), _output(arguments), progress)
    movement, person = studio.scenario.movement, studio.patient.person
    print(
        f"{arguments.out}: {len(movement.repetitions)} x {movement.exercise}, "
        f"{movement.duration_s:.0f} s, {person.sex}, {person.age_years:.0f} years, "
        f"{person.height_m:.2f} m, {person.mass_kg:.0f} kg, seen from {studio.view}",
        file=sys.stderr,
    )
    write_json(
        arguments.json,
        {"bag": str(arguments.out), "seconds": movement.duration_s, "view": str(studio.view)},
    )
    return 0


@contextmanager
def _terminable() -> Iterator[None]:
    """Let SIGTERM unwind the work as SIGINT does, so that nothing half written stays behind."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(*_: object) -> None:
        raise SystemExit(EXIT_TERMINATED)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _list(given: argparse.Namespace) -> int:
    from lbp_rehab.synthetic.motion.programs import PROGRAMS  # noqa: PLC0415

    exercises = {
        name: {
            "title": one.title,
            "posture": one.posture.name.lower(),
            "faults": {fault: effect.text for fault, effect in one.faults.items()},
        }
        for name, one in PROGRAMS.items()
    }
    if given.json != "-":
        for name, one in PROGRAMS.items():
            posture = "side" if one.posture.name.startswith("SIDE") else one.posture.name.lower()
            print(f"{name}: {one.title} ({posture})")
            for fault, effect in one.faults.items():
                print(f"  {fault:22} {effect.text}")
    write_json(given.json, {"exercises": exercises})
    return 0


def _number(given: argparse.Namespace, option: str, low: float, high: float) -> float:
    """Return an option's number; the units' conversion to integers cannot take all of them."""
    value = float(getattr(given, option.replace("-", "_")))
    if not low <= value <= high:
        raise InputError(f"--{option} {value:g} must be {low:g} to {high:g}")
    return value


def _scenario(given: argparse.Namespace) -> Any:
    from lbp_rehab.synthetic.clock import ClockSettings  # noqa: PLC0415
    from lbp_rehab.synthetic.request import parse_faults, parse_size  # noqa: PLC0415
    from lbp_rehab.synthetic.scenario import Scenario  # noqa: PLC0415

    return Scenario(
        given.exercise,
        seed=given.seed,
        faults=parse_faults(given.fault, given.severity),
        repetitions=given.repetitions,
        side=given.side,
        camera=given.camera,
        size=parse_size(given.size),
        rate_hz=given.rate,
        view=given.view,
        support=given.support,
        condition=given.condition,
        max_depth_m=given.max_depth,
        camera_clock=ClockSettings(
            jitter_ns=round(1e6 * _number(given, "jitter", 0.0, LARGEST_JITTER_MS)),
            drop_probability=given.drop,
        ),
        sync_flashes=given.sync_flashes,
    )


def _output(given: argparse.Namespace) -> Any:
    from lbp_rehab.synthetic.clock import ClockSettings  # noqa: PLC0415
    from lbp_rehab.synthetic.emg.electrodes import ElectrodeSettings  # noqa: PLC0415
    from lbp_rehab.synthetic.recording import Output  # noqa: PLC0415

    return Output(
        jpeg_quality=given.jpeg_quality,
        png_compression=given.png_compression,
        electrodes=ElectrodeSettings(
            rate_hz=given.emg_rate,
            mains_hz=given.mains,
            mvc_trial=given.mvc_trial,
            random_loose=given.loose,
        ),
        emg_clock=ClockSettings(
            offset_ns=round(1e6 * _number(given, "emg-offset", -DAY_MS, DAY_MS)),
            drift_ppb=round(
                1e3 * _number(given, "emg-drift", -LARGEST_DRIFT_PPM, LARGEST_DRIFT_PPM)
            ),
            jitter_ns=round(1e6 * _number(given, "jitter", 0.0, LARGEST_JITTER_MS)),
            drop_probability=given.drop,
        ),
    )
