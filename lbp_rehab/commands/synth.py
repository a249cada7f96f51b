"""``lbp-rehab synth``: record a synthetic patient with the truth."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from tqdm import tqdm

from lbp_rehab.commands.output import add_json, write_json


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--out", type=Path, required=True, metavar="BAG", help="folder to write")
    parser.add_argument(
        "--exercise", required=True, metavar="E", help="such as glute_bridge; a wrong one lists all"
    )
    parser.add_argument(
        "--fault", action="append", default=[], metavar="[N:]F[:S]",
        help="a fault of all repetitions, or of repetition N with severity S; may be repeated",
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
    clocks = parser.add_argument_group("clocks", "of camera and amplifier, both perfect by default")
    clocks.add_argument(
        "--jitter", type=float, default=0.0, metavar="MS", help="of stamps, 1-sigma"
    )
    clocks.add_argument("--drop", type=float, default=0.0, metavar="P", help="share of items lost")
    clocks.add_argument("--emg-drift", type=float, default=0.0, metavar="PPM")
    clocks.add_argument("--emg-offset", type=float, default=0.0, metavar="MS")
    add_json(parser)


def main(arguments: argparse.Namespace) -> int:
    """Write the recording."""
    from lbp_rehab.synthetic.person.makehuman import require_extra  # noqa: PLC0415

    require_extra()
    from lbp_rehab.synthetic.recording import record  # noqa: PLC0415  (needs the extra)

    studio = record(arguments.out, _scenario(arguments), _output(arguments), _progress)
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


def _scenario(given: argparse.Namespace) -> Any:
    from lbp_rehab.synthetic.clock import ClockSettings  # noqa: PLC0415
    from lbp_rehab.synthetic.request import parse_fault, parse_size  # noqa: PLC0415
    from lbp_rehab.synthetic.scenario import Scenario  # noqa: PLC0415

    return Scenario(
        given.exercise,
        seed=given.seed,
        faults=tuple(parse_fault(text, given.severity) for text in given.fault),
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
            jitter_ns=round(1e6 * given.jitter), drop_probability=given.drop
        ),
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
            offset_ns=round(1e6 * given.emg_offset),
            drift_ppb=round(1e3 * given.emg_drift),
            jitter_ns=round(1e6 * given.jitter),
            drop_probability=given.drop,
        ),
    )


def _progress(frames: Any, n: int) -> Any:
    return tqdm(frames, total=n, unit="frame", file=sys.stderr)
