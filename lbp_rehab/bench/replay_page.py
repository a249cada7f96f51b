"""The page of the replay's benchmark."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lbp_rehab.bench.page import machine, number, table, write_page

HEAD = """# Replay

Written by the command below. The recordings are synthetic and made by it: raw 640x480 colour and
depth at 30 Hz, and poses at 30 Hz (true ones with 5 mm of noise) of which pelvis, recognition,
score and cues are made. A factor of 2 is a minute of recording in half a minute, on all cores of
the machine, from the first message on; the start (imports, networks) is apart.
"""
SAME = """## The same bytes
Each run replays both raw recordings in new processes: with 1 and with 2 threads for every library
that has threads, in one and in two processes, with other hash seeds, and some of them beside a
process that keeps a core busy. A run is identical if the SHA-256 of every topic that comes out is
that of the first run.
"""
STAGES = """## Where the time goes
CPU time by pose, milliseconds, of one process. A node's callbacks include making and serialising
what it publishes; `bag and messages` is reading, deserialising and summing. With two processes
the first node's share runs beside the others'.
"""


def write(folder: Path, figures: dict[str, Any]) -> None:
    """Write ``replay.md``."""
    lines = [HEAD, "```", f"lbp-rehab bench replay --page {folder}", "```", "", f"{machine()}.", ""]
    lines += [
        f"Before it began the load of the machine was {figures['load_before']}: so many processes",
        "of others wanted its cores. Factors of a busy machine are too low.",
        "",
    ]
    rows = [
        [
            f"{kind}, {exercise}", str(found["messages"]), number(found["recording_s"], 1, "s"),
            number(found["took_s"], 1, "s"), number(found["startup_s"], 1, "s"),
            number(found["recording_s"] / found["took_s"], 2),
        ]
        for kind in ("raw", "poses")
        for exercise, found in figures[kind].items()
    ]  # fmt: skip
    lines += table(["recording", "messages", "length", "replay", "start", "factor"], rows)
    rows = [
        [
            kind,
            number(figures[f"realtime_factor_{kind}"], 2),
            number(figures[f"realtime_factor_{kind}_with_startup"], 2),
        ]
        for kind in ("raw", "poses")
    ]
    lines += table(["both together", "factor", "with the start"], rows)
    lines += [SAME]
    lines += [
        f"{figures['identical_runs']} of {figures['runs']} runs were identical, over "
        f"{figures['topics_compared']} topics.",
        "",
        STAGES,
    ]
    for kind in ("raw", "poses"):
        found = figures[kind]
        names = list(dict.fromkeys(n for f in found.values() for n in f["stages_ms"]))
        rows = [[n, *(number(f["stages_ms"].get(n), 2) for f in found.values())] for n in names]
        lines += table([kind, *found], rows)
    write_page(folder / "replay.md", lines)
