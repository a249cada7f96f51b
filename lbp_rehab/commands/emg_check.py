"""``lbp-rehab emg-check``: channel quality and noise before a session."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lbp_rehab.commands.interrupt import interruptible
from lbp_rehab.commands.output import add_json, write_json
from lbp_rehab.errors import InputError
from lbp_rehab.start import EXIT_INTERRUPTED, loading

if TYPE_CHECKING:
    from lbp_rehab.emg.check import CheckReport, EmgCheck
    from lbp_rehab.emg.sources import EmgSource

CHUNK_S = 0.025
POLL_S = 0.01
REDRAW_S, LINE_S, SERVE_S = 0.5, 1.0, 0.25
GRACE_S = 5.0  # beyond --seconds for a stream to be found
MOST_REPORTS = 5  # of the source, that stay on the screen
WIDEST_PORT = 65535


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--emg", required=True, metavar="SOURCE",
        help='"lsl:name=X", file:PATH, brainflow:BOARD or synthetic:EXERCISE (docs/emg.md)',
    )  # fmt: skip
    parser.add_argument(
        "--channels",
        type=Path,
        metavar="FILE",
        help="YAML of which channel measures which muscle (as config/emg_channels.example.yaml)",
    )
    parser.add_argument(
        "--mains", choices=("50", "60", "auto"), default="auto",
        help="frequency of the mains [Hz] (default: found by itself)",
    )  # fmt: skip
    parser.add_argument(
        "--seconds", type=float, default=0.0, metavar="N",
        help="of samples, then end (default: until Ctrl-C or the file is over)",
    )  # fmt: skip
    parser.add_argument(
        "--page", type=Path, metavar="FILE.html", help="write a page of the result at the end"
    )
    parser.add_argument(
        "--serve", type=int, default=0, metavar="PORT",
        help="show the same live on http://127.0.0.1:PORT",
    )  # fmt: skip
    add_json(parser)


def main(arguments: argparse.Namespace) -> int:
    """Watch the source; exit code 1 if a channel cannot be used."""
    if not 0.0 <= arguments.seconds < float("inf"):
        raise InputError(f"--seconds {arguments.seconds} must be 0 (without end) or more")
    if not 0 <= arguments.serve <= WIDEST_PORT:
        raise InputError(f"--serve {arguments.serve} must be a port of 1 to {WIDEST_PORT}")
    if arguments.page is not None and not arguments.page.absolute().parent.is_dir():
        raise InputError(f"there is no folder for the page '{arguments.page}'; make it first")
    with loading(EXIT_INTERRUPTED):
        session = _Session(arguments)
    with interruptible():
        session.watch()
    return session.end()


class _Session:
    """A check under way."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        from lbp_rehab.emg.channel_file import read_channel_file  # noqa: PLC0415
        from lbp_rehab.emg.channels import ChannelMap  # noqa: PLC0415
        from lbp_rehab.emg.check import EmgCheck  # noqa: PLC0415
        from lbp_rehab.emg.sources import open_source  # noqa: PLC0415

        self._given = arguments
        told = arguments.channels
        channel_map = read_channel_file(told) if told is not None else ChannelMap({})
        source = open_source(arguments.emg, CHUNK_S, channel_map.labels)
        if source is None:
            raise InputError(
                f"'{arguments.emg}' names no source; give one such as lsl:name=NAME or file:PATH"
            )
        self._source: EmgSource = source
        mains = 0.0 if arguments.mains == "auto" else float(arguments.mains)
        self._check: EmgCheck = EmgCheck(mains, channel_map)
        self._refused = ""
        self._reports: list[str] = []
        # With --json - the figures alone go to stdout.
        self._screen = _Screen(sys.stderr if arguments.json == "-" else sys.stdout)

    def watch(self) -> None:
        """Read until there is enough, the source is over, or Ctrl-C."""
        from lbp_rehab.emg.check_serve import serving  # noqa: PLC0415

        source, given = self._source, self._given
        with ExitStack() as stack:
            stack.callback(source.close)
            live = stack.enter_context(serving(given.serve)) if given.serve else None
            if live is not None:
                self._screen.say(f"live on {live.address}")
            source.open(time.time_ns())
            began = drawn = served = time.monotonic()
            while True:
                got = self._read()
                now = time.monotonic()
                report: CheckReport | None = None
                if live is not None and now - served >= SERVE_S:
                    served = now
                    report = self._check.report()
                    live.show(report, self._check.band(), self._heading(report), self._said())
                if now - drawn >= self._screen.period_s:
                    drawn = now
                    self._draw(report or self._check.report())
                if source.finished or self._enough(now - began):
                    return
                if not got:
                    time.sleep(POLL_S)

    def end(self) -> int:
        """Show the result, write page and figures; return the exit code."""
        from lbp_rehab.emg.check_page import figures, page  # noqa: PLC0415
        from lbp_rehab.emg.check_text import verdict  # noqa: PLC0415

        report = self._check.report()
        if not report.channels:
            self._screen.clear()
            reason = self._refused or self._source.status or "it sent nothing"
            reason = reason.removesuffix("; still looking")
            raise InputError(
                f"no sEMG came from '{self._given.emg}' ({reason}); check that it is switched on "
                "and sends"
            )
        self._screen.final(self._lines(report))
        self._screen.say(verdict(report))
        if self._given.page is not None:
            try:
                self._given.page.write_text(
                    page(self._check, self._heading(report), tuple(self._reports)),
                    encoding="utf-8",
                )
            except OSError as error:
                raise InputError(f"cannot write '{self._given.page}': {error.strerror}") from None
            self._screen.say(f"page: {self._given.page}")
        write_json(self._given.json, figures(report))
        return int(bool(report.faulty))

    def _read(self) -> bool:
        """Take what has come; return whether anything did."""
        got = False
        while (chunk := self._source.read(time.time_ns())) is not None:
            got = True
            try:
                self._check.add(chunk)
                self._refused = ""
            except InputError as error:
                self._refused = str(error)
            if self._given.seconds and self._check.seconds >= self._given.seconds:
                break
        for sentence in self._source.reports():
            self._reports = [*self._reports, sentence][-MOST_REPORTS:]
            if not self._screen.redraws:
                self._screen.say(sentence)
        return got

    def _enough(self, waited_s: float) -> bool:
        seconds = self._given.seconds
        if not seconds:
            return False
        # A source that sends nothing ends too.
        return self._check.seconds >= seconds or waited_s >= seconds + GRACE_S

    def _said(self) -> tuple[str, ...]:
        """Return what the source says now, and what it said last."""
        now = [s for s in (self._refused, self._source.status) if s]
        return (*now, *(s for s in self._reports if s not in now))

    def _heading(self, report: CheckReport) -> str:
        from lbp_rehab.emg.check_text import headline  # noqa: PLC0415

        return headline(report, self._source.rate_hz)

    def _lines(self, report: CheckReport) -> list[str]:
        from lbp_rehab.emg.check_text import table  # noqa: PLC0415

        said = [f"  {sentence}" for sentence in self._said()]
        if not report.channels:
            return [self._heading(report), *said]
        notes = [f"  {note}" for note in report.notes]
        screen = self._screen
        body = table(report, screen.width, colour=screen.colour, blocks=screen.blocks)
        return [self._heading(report), *notes, *said, "", *body]

    def _draw(self, report: CheckReport) -> None:
        from lbp_rehab.emg.check_text import line  # noqa: PLC0415

        if self._screen.redraws:
            self._screen.draw(self._lines(report))
        else:
            said = "  ".join(s for s in (self._refused, self._source.status) if s)
            self._screen.say(f"{line(report)}{'  ' + said if said else ''}")


class _Screen:
    """A terminal that is drawn in place, or a pipe that gets lines."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.redraws = bool(stream.isatty()) and os.environ.get("TERM", "") != "dumb"
        self.colour = self.redraws and not os.environ.get("NO_COLOR")
        self.blocks = "utf" in (getattr(stream, "encoding", "") or "").lower()
        self._drawn = 0

    @property
    def period_s(self) -> float:
        """Between two drawings."""
        return REDRAW_S if self.redraws else LINE_S

    @property
    def width(self) -> int:
        """Columns; a pipe has room for all."""
        return shutil.get_terminal_size().columns if self.redraws else 200

    def draw(self, lines: list[str]) -> None:
        """Put lines in the place of those drawn before."""
        rows = shutil.get_terminal_size().lines - 1
        shown = [line if "\x1b" in line else line[: self.width] for line in lines[:rows]]
        self.clear()
        self._stream.write("\n".join(shown) + "\n")
        self._stream.flush()
        self._drawn = len(shown)

    def clear(self) -> None:
        """Take away what was drawn."""
        if self._drawn:
            self._stream.write(f"\x1b[{self._drawn}A\x1b[J")
            self._drawn = 0

    def final(self, lines: list[str]) -> None:
        """Leave lines that stay."""
        self.clear()
        self._stream.write("\n".join(lines) + "\n")

    def say(self, sentence: str) -> None:
        """Write a line that stays."""
        self._stream.write(sentence + "\n")
        self._stream.flush()
