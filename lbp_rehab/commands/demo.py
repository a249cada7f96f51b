"""``lbp-rehab demo``: the sample recording through the live graph, recorded and shown."""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

from lbp_rehab.bags import summary
from lbp_rehab.errors import InputError
from lbp_rehab.graph import SessionOptions, session_graph
from lbp_rehab.paths import resource_dir
from lbp_rehab.runner import Supervisor

SAMPLE = Path("sample") / "glute_bridge"
MARKER = ".lbp_rehab_demo"  # only a folder that a demo made is cleared by the next one


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--out", type=Path, default=Path("out") / "demo", help="output folder")
    parser.add_argument("--language", default="en", help="of the cues: en, de, es or zh")


def main(arguments: argparse.Namespace) -> int:
    """Play, record, draw, and print what was written."""
    from lbp_rehab.report import load, write_page  # noqa: PLC0415

    out: Path = arguments.out
    _clear(out)
    sample = resource_dir() / SAMPLE
    seconds = summary(sample).duration_s
    options = SessionOptions(
        camera="none",
        emg="topic",
        mvc_file=str(sample / "mvc.yaml"),
        exercise="glute_bridge",
        language=arguments.language,
        voice_folder=str(out / "voice"),
        person="sample",
        play=str(sample),
        record=str(out / "bag"),
    )
    specs = session_graph(options)
    print(f"running {', '.join(s.name for s in specs)} on a recording of {seconds:.0f} s",
          file=sys.stderr)  # fmt: skip
    supervisor = Supervisor(specs)
    supervisor.start()
    code = supervisor.run()
    if code:
        return code
    session = load(out / "bag")
    written = write_page(session, out, out / "voice")
    print(f"{len(session.poses)} poses, {len(session.repetitions)} repetitions, "
          f"{len(session.cues)} cues; written:")  # fmt: skip
    for path in [out / "bag", *written, *sorted((out / "voice").glob("*.wav"))]:
        print(f"  {path}")
    print(f"open {out / 'index.html'} in a browser")
    return 0


def _clear(out: Path) -> None:
    """Make the folder, anew if an earlier demo made it."""
    if out.exists() and any(out.iterdir()):
        if not (out / MARKER).is_file():
            raise InputError(f"'{out}' is not empty; give an empty folder with --out")
        shutil.rmtree(out)
    out.mkdir(parents=True, exist_ok=True)
    (out / MARKER).touch()
