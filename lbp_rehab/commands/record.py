"""``lbp-rehab record``: topics of a running graph to a bag."""

from __future__ import annotations

import argparse
from pathlib import Path

from lbp_rehab.graph import NodeSpec
from lbp_rehab.paths import config_dir
from lbp_rehab.start import EXIT_INTERRUPTED, loading


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("output", type=Path, help="folder of the bag; must not exist")
    parser.add_argument(
        "--topics", nargs="+", default=[], metavar="REGEX", help="whole topic names (default: all)"
    )
    parser.add_argument("--exclude", nargs="+", default=[], metavar="REGEX", help="these win")
    parser.add_argument("--compression", choices=("none", "zstd"), default="none")
    parser.add_argument(
        "--images", choices=("raw", "compressed"), default="raw",
        help="compressed: colour by --image-format, 16-bit depth as exact PNG (default: raw)",
    )  # fmt: skip
    parser.add_argument("--image-format", choices=("jpeg", "png"), default="jpeg")
    parser.add_argument("--jpeg-quality", type=int, default=95, metavar="N", help="1 to 100")
    parser.add_argument(
        "--max-bag-size", type=int, default=0, metavar="MIB", help="then a new file begins"
    )
    parser.add_argument(
        "--max-bag-duration", type=float, default=0.0, metavar="S", help="then a new file begins"
    )


def main(arguments: argparse.Namespace) -> int:
    """Record until Ctrl-C."""
    spec = NodeSpec(
        "recorder",
        {
            "output": str(arguments.output),
            "compression": arguments.compression,
            "images": arguments.images,
            "image_format": arguments.image_format,
            "jpeg_quality": arguments.jpeg_quality,
            "max_bag_size_mib": arguments.max_bag_size,
            "max_bag_duration_s": arguments.max_bag_duration,
        }
        | ({"topics": arguments.topics} if arguments.topics else {})
        | ({"exclude": arguments.exclude} if arguments.exclude else {}),
        parameter_files=(str(config_dir() / "recorder.yaml"),),
    )
    with loading(EXIT_INTERRUPTED):
        from lbp_rehab.nodes.process import run  # noqa: PLC0415
        from lbp_rehab.nodes.recorder import Recorder  # noqa: PLC0415

        return run(Recorder, spec.ros_arguments())
