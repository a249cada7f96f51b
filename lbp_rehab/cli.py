"""The command line ``lbp-rehab``."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence

from lbp_rehab import __version__, environment
from lbp_rehab.errors import InputError
from lbp_rehab.start import EXIT_INTERRUPTED, loading

# name: one line of help. The module of the same name in lbp_rehab.commands does the work.
COMMANDS = {
    "demo": "play the sample recording through the live graph and show what comes out",
    "run": "run the graph: camera, pose, pelvis, EMG, quality, feedback",
    "record": "record topics of a running graph to a bag",
    "play": "play a bag to a running graph",
    "replay": "feed a bag to the graph in lockstep: the same results, bit by bit, every time",
    "golden": "keep results of replays that are right, to hold later ones against",
    "compare": "hold a recording against another one, topic by topic and field by field",
    "info": "say what a bag holds, and recover a torn one",
    "exercises": "list the exercises, check a new one's file, and list what can be measured",
    "score": "score an exercise from the skeletons of a Kinect or another tracker",
    "report": "draw a page of plots and annotated frames of a recorded bag",
    "bench": "measure accuracy on synthetic patients, or the speed of the live graph",
    "emg-check": "show quality and noise of every sEMG channel, live, before a session",
    "mvc": "guide through the maximal contractions that calibrate a running graph's sEMG",
    "synth": "record a synthetic patient with the truth of every sensor",
    "doctor": "check the installation and every optional part",
}
EXIT_ERROR = 2


def parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    top = argparse.ArgumentParser(
        prog="lbp-rehab",
        description="Low-back-pain rehabilitation on ROS 2: watch, measure, score, speak, record.",
        epilog="Research software, not a medical device.",
    )
    top.add_argument("--version", action="version", version=f"lbp-rehab {__version__}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, text in COMMANDS.items():
        sub = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        module = importlib.import_module(f"lbp_rehab.commands.{name.replace('-', '_')}")
        module.add(sub)
        sub.set_defaults(main=module.main)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; errors a user can mend are one sentence on stderr."""
    try:
        environment.apply()
        with loading(EXIT_INTERRUPTED):
            commands = parser()
        chosen = commands.parse_args(arguments)
        return int(chosen.main(chosen))
    except InputError as error:
        print(f"lbp-rehab: {error}", file=sys.stderr)
        return EXIT_ERROR
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:  # the reader of our output, such as head, has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_ERROR


if __name__ == "__main__":
    sys.exit(main())
