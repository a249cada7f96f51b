"""The page itself: one HTML file beside its pictures, readable without a network."""

from __future__ import annotations

import html
import math
import os
from pathlib import Path

import cv2

from lbp_rehab import msg
from lbp_rehab.report.load import Session, frames
from lbp_rehab.report.plots import timeline

MAX_FRAMES = 6
GRADES = ("unknown", "try again", "qualified", "good", "excellent", "super excellent")
OUTCOMES = ("", "complete", "partial", "aborted")
PARTS = ("", "range", "alignment", "control", "tempo", "symmetry", "muscle")
OUTPUTS = ("text", "spoken", "WAV")

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem;
       color: #222; }
h1 { font-size: 1.5rem; margin-bottom: .2rem } h2 { font-size: 1.15rem; margin-top: 2rem }
table { border-collapse: collapse; width: 100%; font-size: .9rem }
th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid #ddd;
         vertical-align: top }
th { border-bottom: 2px solid #999 } .n { text-align: right; font-variant-numeric: tabular-nums }
img { max-width: 100% } .frames { display: grid; gap: .6rem;
       grid-template-columns: repeat(auto-fill, minmax(19rem, 1fr)) }
figure { margin: 0 } figcaption { font-size: .85rem; color: #555 } audio { height: 1.8rem }
.note { color: #555; font-size: .9rem }
"""


def write_page(session: Session, folder: Path, voice_folder: Path | None = None) -> list[Path]:
    """Write ``index.html`` and its pictures; return every file written.

    Parameters
    ----------
    session : Session
    folder : Path
        Is created.
    voice_folder : Path, optional
        Where the WAV files of the cues are.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    plot = folder / "timeline.png"
    timeline(session).savefig(plot, dpi=110)
    written.append(plot)
    pictures = []
    for k, (seconds, image) in enumerate(frames(session, _interesting_times(session))):
        path = folder / f"frame_{k + 1:02}.png"
        cv2.imwrite(str(path), cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
        pictures.append((path.name, seconds))
        written.append(path)
    page = folder / "index.html"
    page.write_text(_html(session, plot.name, pictures, folder, voice_folder), encoding="utf-8")
    return [page, *written]


def _interesting_times(session: Session) -> list[float]:
    """Rest before, and the furthest point of, each repetition; else evenly spread."""
    times = [session.seconds(r.target) for r in session.repetitions]
    if times:
        return [max(session.seconds(session.repetitions[0].start) - 0.3, 0.0), *times][:MAX_FRAMES]
    end = (session.poses[-1].stamp_ns - session.start_ns) / 1e9
    return [end * (k + 0.5) / MAX_FRAMES for k in range(MAX_FRAMES)]


def _html(
    session: Session,
    plot: str,
    pictures: list[tuple[str, float]],
    folder: Path,
    voice_folder: Path | None,
) -> str:
    known = sum(bool(p.known("l_hip", "r_hip")) for p in session.poses)
    duration = (session.poses[-1].stamp_ns - session.start_ns) / 1e9
    exercise = next((r.exercise for r in session.repetitions), "")
    parts = [
        f"<!doctype html><html lang='en'><meta charset='utf-8'><title>lbp_rehab session</title>"
        f"<meta name='viewport' content='width=device-width'><style>{STYLE}</style>",
        f"<h1>{html.escape(exercise.replace('_', ' ').capitalize() or 'Session')}</h1>",
        f"<p class='note'>{html.escape(session.bag.name)}: {duration:.1f} s, {len(session.poses)} "
        f"poses, hips seen in {known}, {len(session.repetitions)} repetitions, {len(session.cues)} "
        f"cues. Research software, not a medical device.</p>",
        *(f"<p class='note'>{html.escape(w)}</p>" for w in session.warnings),
        f"<img src='{plot}' alt='pelvis, movement and muscles over time'>",
        "<p class='note'>Grey bands are repetitions, with their scores. Triangles are cues: green "
        "praise, grey information, orange correction, red stop.</p>",
        _repetition_table(session),
        _frames(pictures),
        _cue_table(session, folder, voice_folder),
        _topic_table(session),
    ]
    return "\n".join(parts) + "\n"


def _repetition_table(session: Session) -> str:
    if not session.repetitions:
        return "<h2>Repetitions</h2><p>None was completed.</p>"
    rows = []
    for r in session.repetitions:
        score = _out_of_100(r.score)
        alike = f"{_out_of_100(r.own_best_similarity)}<td class=n>"
        alike += _out_of_100(r.demonstration_similarity)
        lost = ", ".join(
            f"{PARTS[s.kind]} {_points(s.points_lost) if s.value.status else 'unknown'}"
            for s in r.sub_scores
        )
        faults = "<br>".join(
            f"{html.escape(f.id.replace('_', ' '))}: {html.escape(f.body_part)} "
            f"{_shown(f.measured.value, f.unit)}"
            f" at {session.seconds(f.start):.1f} to {session.seconds(f.end):.1f} s"
            for f in r.faults
        )
        if r.not_assessed:
            unsure = ", ".join(html.escape(name.replace("_", " ")) for name in r.not_assessed)
            faults += f"<div class=note>not assessed: {unsure}</div>"
        rows.append(
            f"<tr><td class=n>{r.index}<td class=n>{session.seconds(r.start):.1f}"
            f"<td>{OUTCOMES[r.outcome]}<td class=n>{score}<td>{GRADES[r.grade]}<td>{lost}"
            f"<td>{faults}<td class=n>{alike}"
        )
    return (
        "<h2>Repetitions</h2><table><tr><th>#<th>start [s]<th>outcome<th>score<th>grade"
        "<th>points lost<th>faults<th>like own best<th>like demonstration"
        + "".join(rows)
        + "</table>"
    )


def _out_of_100(value: msg.Estimate) -> str:
    return f"{value.value:.0f} &plusmn; {value.sigma:.0f}" if value.status else "unknown"


def _points(lost: float) -> str:
    return f"-{lost:.0f}" if lost >= 0.5 else "0"


def _shown(value: float, unit: str) -> str:
    if unit == "rad":
        return f"{math.degrees(value):.0f} deg"
    return f"{value:.2f} {html.escape(unit)}"


def _frames(pictures: list[tuple[str, float]]) -> str:
    if not pictures:
        return ""
    figures = "".join(
        f"<figure><img src='{name}' alt='frame at {t:.1f} s'><figcaption>{t:.1f} s</figcaption>"
        "</figure>"
        for name, t in pictures
    )
    return (
        f"<h2>Frames</h2><div class=frames>{figures}</div><p class='note'>Blue is the patient's "
        "left, orange the right; filled dots were measured, rings inferred.</p>"
    )


def _cue_table(session: Session, folder: Path, voice_folder: Path | None) -> str:
    if not session.cues:
        return ""
    rows = []
    for cue in session.cues:
        sound = ""
        if cue.wav_path and voice_folder is not None:
            source = html.escape(os.path.relpath(voice_folder / cue.wav_path, folder))
            sound = f"<audio controls preload=none src='{source}'></audio>"
        rows.append(
            f"<tr><td class=n>{session.seconds(cue.header.stamp):.1f}<td>{html.escape(cue.text)}"
            f"<td>{html.escape(cue.answers.replace('_', ' '))}<td>{OUTPUTS[cue.output]}<td>{sound}"
        )
    return (
        "<h2>Cues</h2><table><tr><th>time [s]<th>text<th>answers<th>given as<th>voice"
        + "".join(rows)
        + "</table>"
    )


def _topic_table(session: Session) -> str:
    rows = "".join(
        f"<tr><td>{html.escape(t)}<td class=n>{n}" for t, n in session.counts.items() if n
    )
    return f"<h2>Recorded topics</h2><table><tr><th>topic<th>messages{rows}</table>"
