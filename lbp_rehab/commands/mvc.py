"""``lbp-rehab mvc``: guides through the maximal contractions of a running graph's sEMG."""

from __future__ import annotations

import argparse
import math
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from lbp_rehab.commands.interrupt import interruptible
from lbp_rehab.commands.output import add_json, write_json
from lbp_rehab.errors import InputError
from lbp_rehab.graph import NAMESPACE
from lbp_rehab.paths import config_dir
from lbp_rehab.start import EXIT_INTERRUPTED, loading

if TYPE_CHECKING:
    from lbp_rehab.emg.mvc_guide import MvcGuide, Step
    from lbp_rehab.nodes.mvc_client import MvcClient

COUNTDOWN_S = 3
MOST_REPEATS = 10
EXIT_INCOMPLETE = 1


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--tests", type=Path, metavar="FILE", default=config_dir() / "mvc_tests.yaml",
        help="YAML of the tests (default: those of config/mvc_tests.yaml)",
    )  # fmt: skip
    parser.add_argument(
        "--namespace", default="", metavar="NS", help="ROS namespace of the running graph"
    )
    parser.add_argument(
        "--repeats", type=int, default=2, metavar="N",
        help="contractions of each test; the highest counts (default: 2)",
    )  # fmt: skip
    parser.add_argument(
        "--rest", type=float, default=30.0, metavar="S", help="between contractions (default: 30)"
    )
    parser.add_argument(
        "--only", default="", metavar="NAME,...", help="these tests alone (default: all)"
    )
    parser.add_argument(
        "--no-wait", action="store_true", help="go on by itself, without Enter before contractions"
    )
    add_json(parser)


def main(arguments: argparse.Namespace) -> int:
    """Guide through the tests; exit code 0 only if every channel is calibrated at the end."""
    if not 1 <= arguments.repeats <= MOST_REPEATS:
        raise InputError(f"--repeats {arguments.repeats} must be 1 to {MOST_REPEATS}")
    if not (math.isfinite(arguments.rest) and arguments.rest >= 0):
        raise InputError(f"--rest {arguments.rest} must be 0 or more seconds")
    if not NAMESPACE.fullmatch(arguments.namespace):
        raise InputError(f"'{arguments.namespace}' is not a ROS namespace")
    with loading(EXIT_INTERRUPTED):
        from lbp_rehab.emg.mvc_guide import MvcGuide  # noqa: PLC0415
        from lbp_rehab.emg.mvc_tests import read_mvc_tests  # noqa: PLC0415
        from lbp_rehab.nodes.mvc_client import MvcClient  # noqa: PLC0415

        names = [name for name in arguments.only.split(",") if name.strip()]
        tests = read_mvc_tests(arguments.tests).only(names)
        client = MvcClient(arguments.namespace)
    try:
        client.find()
        guide = MvcGuide(tests, client.channels)
        if not guide.steps:
            raise InputError(
                f"no channel of the running graph is for these tests ({', '.join(guide.left_out)});"
                " say which channel measures which muscle in emg_bridge's channel_map"
            )
        session = _Session(arguments, client, guide, tests.hold_s)
        with interruptible():
            session.work()
        return session.end()
    finally:
        client.close()


class _Session:
    """A calibration under way."""

    def __init__(
        self, arguments: argparse.Namespace, client: MvcClient, guide: MvcGuide, hold_s: float
    ) -> None:
        self._given, self._client, self._guide, self._hold_s = arguments, client, guide, hold_s
        # With --json - the figures alone go to stdout.
        self._stream = sys.stderr if arguments.json == "-" else sys.stdout
        self._before = frozenset(client.calibrated)
        self._stored, self._finished, self._recording = "", False, False

    def work(self) -> None:
        """Go through the tests."""
        guide, repeats = self._guide, self._given.repeats
        times = "one contraction" if repeats == 1 else f"{repeats} contractions"
        self._say(
            f"{len(self._client.channels)} channels, {len(guide.steps)} tests of {times} of "
            f"{self._hold_s:g} s. Stop at pain. Ctrl-C ends and leaves what was calibrated."
        )
        if guide.left_out:
            self._say(f"Left out, having no channel: {', '.join(guide.left_out)}.")
        rested = True
        for number, step in enumerate(guide.steps, start=1):
            self._say(f"\n{number}/{len(guide.steps)} {step.name}, for {', '.join(step.labels)}")
            self._say(f"  {step.say}")
            for repeat in range(1, repeats + 1):
                if not rested and self._given.rest:
                    self._say(f"  Rest for {self._given.rest:g} s.")
                    time.sleep(self._given.rest)
                rested = False
                if not self._ready(f"  Contraction {repeat} of {repeats}"):
                    self._say("  Left out.")
                    rested = True
                    break
                self._contract(step)
        self._finished = True

    def end(self) -> int:
        """Show the result; return the exit code."""
        guide, say = self._guide, self._say
        if not self._finished:
            say("\nEnded before its time.")
            if self._recording:
                say("emg_bridge still records the contraction under way, and takes it.")
        before = self._before | self._client.calibrated
        missing = guide.missing(before)
        say("")
        for line in guide.table(before):
            say(line)
        say(
            f"Stored for {self._stored}."
            if self._stored
            else "Nothing was stored on disk; it holds until emg_bridge ends."
        )
        if missing:
            say(f"Not calibrated: {', '.join(missing)}.")
        else:
            say("Every channel is calibrated.")
        if again := guide.to_repeat(before):
            say(f'To repeat: lbp-rehab mvc --only "{",".join(again)}"')
        write_json(self._given.json, guide.figures(before, self._stored))
        if not self._finished:
            return EXIT_INTERRUPTED
        return EXIT_INCOMPLETE if missing else 0

    def _ready(self, what: str) -> bool:
        """Wait for Enter and count down; return whether to go on with this test."""
        if self._given.no_wait:
            self._say(what)
        else:
            self._write(f"{what}: Enter to begin, s and Enter to leave this test out ")
            answer = sys.stdin.readline()
            if not answer:
                raise InputError("there is no keyboard to press Enter on; add --no-wait")
            if answer.strip().lower() == "s":
                return False
        self._write("  ")
        for left in range(COUNTDOWN_S, 0, -1):
            self._write(f"{left} ")
            time.sleep(1.0)
        return True

    def _contract(self, step: Step) -> None:
        """Let one contraction be recorded and tell what it gave."""
        self._write("PUSH ")
        shown = math.ceil(self._hold_s)

        def count(left_s: float) -> None:
            nonlocal shown
            if (whole := math.ceil(left_s)) < shown:
                shown = whole
                self._write(f"{whole} " if whole else "")

        self._recording = True
        labels = step.labels
        highest = self._guide.highest_v(labels)
        answer = self._client.record(labels, highest, self._hold_s, count)
        self._recording = False
        self._say("relax")
        self._guide.add(answer.mvc_v, answer.refused)
        self._stored = answer.stored or self._stored
        if answer.mvc_v:
            self._say("  " + "  ".join(f"{k} {1e3 * v:.3f} mV" for k, v in answer.mvc_v.items()))
        for label, why in answer.refused.items():
            self._say(f"  {label}: {why}")
        if not answer.refused and not answer.mvc_v:
            self._say(f"  Not calibrated: {answer.message}")
        elif not answer.stored and "; but " in answer.message:
            self._say(f"  {answer.message.partition('; but ')[2]}")

    def _say(self, sentence: str) -> None:
        self._write(sentence + "\n")

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()
