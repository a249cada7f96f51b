"""``lbp-rehab score``: an exercise scored from another tracker's skeletons."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tqdm import tqdm

from lbp_rehab.commands.output import add_json, write_json
from lbp_rehab.errors import InputError

BAR_AFTER_S = 2.0


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("file", type=Path, metavar="FILE.csv", help="joints over time")
    parser.add_argument(
        "--skeleton", required=True, metavar="LAYOUT",
        help="kinect25, coco17, blazepose33, halpe26 or azure32 (docs/skeletons.md)",
    )  # fmt: skip
    parser.add_argument(
        "--exercise", required=True, metavar="E",
        help="name as of run --exercise, or the path of an exercise's YAML file",
    )  # fmt: skip
    parser.add_argument(
        "--side", choices=("left", "right"),
        help="that works, if the exercise leaves it open (default: as the movement tells)",
    )  # fmt: skip
    parser.add_argument(
        "--rate", type=float, default=0.0, metavar="HZ",
        help="rows a second of a file without time (default: the time column)",
    )  # fmt: skip
    parser.add_argument(
        "--unit", choices=("m", "mm"), default="", help="(default: as the size of the body tells)"
    )
    parser.add_argument(
        "--up", metavar="AXIS", default="",
        help="x, y, z, -x, -y or -z; write --up=-y (default: the layout's, docs/skeletons.md)",
    )  # fmt: skip
    parser.add_argument(
        "--left-handed", action="store_true", help="the axes are left-handed, as Unity's are"
    )
    parser.add_argument(
        "--sigma-mm", type=float, default=0.0, metavar="MM",
        help="1-sigma of a tracked joint along each axis (default: the layout's)",
    )  # fmt: skip
    parser.add_argument(
        "--up-sigma-deg", type=float, default=5.0, metavar="DEG",
        help="1-sigma of the direction of up (default: 5)",
    )  # fmt: skip
    parser.add_argument(
        "--plot", type=Path, metavar="FILE.png", help="draw the movement, repetitions and faults"
    )
    add_json(parser)


def main(arguments: argparse.Namespace) -> int:
    """Read, score, and say what came of it."""
    from lbp_rehab.quality.exercise import load_exercise  # noqa: PLC0415
    from lbp_rehab.quality.types import Side  # noqa: PLC0415
    from lbp_rehab.skeletons.convert import Converter, ConverterSettings  # noqa: PLC0415
    from lbp_rehab.skeletons.csv_file import CsvOptions, read_csv  # noqa: PLC0415
    from lbp_rehab.skeletons.layouts import find_layout  # noqa: PLC0415
    from lbp_rehab.skeletons.score import score_recording  # noqa: PLC0415
    from lbp_rehab.skeletons.text import figures, text  # noqa: PLC0415

    layout = find_layout(arguments.skeleton)
    exercise = load_exercise(arguments.exercise)
    for option in ("rate", "sigma_mm", "up_sigma_deg"):
        if not math.isfinite(getattr(arguments, option)):
            raise InputError(f"--{option.replace('_', '-')} must be a number")
    converter = Converter(
        layout,
        ConverterSettings(
            up=arguments.up,
            left_handed=arguments.left_handed,
            sigma_m=arguments.sigma_mm / 1000.0,
            up_sigma_rad=math.radians(arguments.up_sigma_deg),
        ),
    )
    if arguments.plot is not None and not arguments.plot.absolute().parent.is_dir():
        raise InputError(f"there is no folder for the plot '{arguments.plot}'; make it first")
    options = CsvOptions(rate_hz=arguments.rate, unit=arguments.unit)
    recording = read_csv(arguments.file, layout, options)
    with ExitStack() as bars:

        def progress(frames: Iterable[Any], n: int) -> Iterable[Any]:
            # Shown only if it takes long; closed before an error is told.
            bar = tqdm(frames, total=n, unit="frame", file=sys.stderr, delay=BAR_AFTER_S)
            bars.callback(bar.close)
            return bar

        side = Side[(arguments.side or "none").upper()]
        scored = score_recording(recording, exercise, converter, side, progress)
    # With --json - the figures alone go to stdout.
    print(text(scored), file=sys.stderr if arguments.json == "-" else sys.stdout)
    if arguments.plot is not None:
        _write_plot(scored, arguments.plot)
    write_json(arguments.json, {**figures(scored), "lost": recording.counts})
    return 0


def _write_plot(scored: Any, path: Path) -> None:
    from lbp_rehab.skeletons.plots import plot  # noqa: PLC0415

    try:
        plot(scored).savefig(path, dpi=110)
    except (OSError, ValueError) as error:
        raise InputError(f"cannot write '{path}': {error}") from None
