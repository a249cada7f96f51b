"""``lbp-rehab exercises``: what can be scored, and whether a new exercise's file is right."""

from __future__ import annotations

import argparse
import json
import sys
import textwrap
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lbp_rehab.commands.output import add_json, write_json
from lbp_rehab.errors import InputError
from lbp_rehab.feedback.texts import load_texts, with_own
from lbp_rehab.languages import known_languages
from lbp_rehab.quality.exercise import Exercise, known_exercises, load_exercise
from lbp_rehab.quality.meanings import EXAMPLES, measure_rows, readable
from lbp_rehab.quality.measures import unit
from lbp_rehab.quality.schema import json_schema
from lbp_rehab.quality.strict_yaml import did_you_mean

WIDTH = 100  # columns of the screen
EXIT_WRONG = 1


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--check", nargs="+", metavar="FILE",
        help="say of each exercise file that it is ok, or what is wrong in which line",
    )  # fmt: skip
    what.add_argument(
        "--measures", action="store_true", help="list every measure that an exercise may name"
    )
    what.add_argument(
        "--seen", type=Path, metavar="BAG",
        help="say from where to where each measure went in a recorded session",
    )  # fmt: skip
    what.add_argument(
        "--schema", action="store_true", help="print the JSON Schema of exercise files"
    )
    add_json(parser)


def main(arguments: argparse.Namespace) -> int:
    """List or check."""
    if arguments.schema:
        print(json.dumps(json_schema(), indent=2, ensure_ascii=False))
        return 0
    out = sys.stderr if arguments.json == "-" else sys.stdout
    if arguments.measures:
        figures, lines = _measures()
    elif arguments.seen:
        figures, lines = _seen(arguments.seen)
    elif arguments.check:
        figures, lines = _checked(arguments.check)
    else:
        figures, lines = _listed()
    print("\n".join(lines), file=out)
    write_json(arguments.json, figures)
    return 0 if all(row["ok"] for row in figures.get("checked", ())) else EXIT_WRONG


def _listed() -> tuple[dict[str, Any], list[str]]:
    rows, lines = [], []
    for exercise in map(load_exercise, known_exercises()):
        row = _described(exercise)
        rows.append(row)
        lines += [
            f"{row['name']}: {row['title']}",
            f"  {row['posture'].replace('_', ' ')}; side: {row['side']}; tells repetitions by "
            f"{row['measure']}",
            *_indented(f"camera: {row['camera']}"),
            *_indented(f"faults: {', '.join(row['faults'])}"),
        ]
    return {"exercises": rows}, lines


def _described(exercise: Exercise) -> dict[str, Any]:
    dose = exercise.dose
    return {
        "name": exercise.name,
        "title": exercise.title,
        "posture": exercise.posture.name.lower(),
        "side": "either" if exercise.either else exercise.side.name.lower(),
        "measure": exercise.primary,
        "camera": exercise.camera.text,
        "camera_sides": list(exercise.camera.sides),
        "faults": list(exercise.cues),
        "muscles": [rule.muscle for rule in exercise.muscles],
        "sets": dose.sets,
        "repetitions": dose.repetitions,
        "rest_s": dose.rest_s,
        "days_per_week": dose.days_per_week,
    }


def _checked(files: list[str]) -> tuple[dict[str, Any], list[str]]:
    rows: list[dict[str, Any]] = []
    for file in files:
        try:
            exercise = load_exercise(file)
        except InputError as error:
            rows.append({"file": file, "ok": False, "error": str(error), "without_text": {}})
        else:
            silent = _without_text(exercise)
            rows.append({"file": file, "ok": True, "error": None, "without_text": silent})
    lines = []
    ours = load_texts(known_languages()[0])
    for row in rows:
        silent = row["without_text"]
        lines.append(f"{row['file']}: ok" if row["ok"] else row["error"])
        lines += [
            f"  not said in '{language}', for want of a text: {', '.join(cues)}"
            for language, cues in silent.items()
        ]
        lines += [
            f"  '{cue}' has no text in any language{did_you_mean(cue, ours)}"
            for cue in _without_any_text(silent)
        ]
    return {"checked": rows}, lines


def _without_text(exercise: Exercise) -> dict[str, list[str]]:
    """Return the cues that have no text, for each language in which there are such."""
    found = {}
    for language in known_languages():
        texts = with_own(load_texts(language), exercise.texts.get(language, {}))
        found[language] = sorted(set(exercise.cues.values()) - set(texts))
    return {language: cues for language, cues in found.items() if cues}


def _without_any_text(without: dict[str, list[str]]) -> list[str]:
    silent = [set(without.get(language, ())) for language in known_languages()]
    return sorted(set.intersection(*silent))


def _measures() -> tuple[dict[str, Any], list[str]]:
    rows, lines, topic = [], [], ""
    for row in measure_rows():
        rows += [
            {"name": name, "topic": row.topic, "unit": row.unit, "meaning": row.meaning}
            for name in row.names
        ]
        if row.topic != topic:
            topic = row.topic
            lines.append(f"From {topic}:")
        lines.append(f"  {', '.join(row.names)}")
        lines += _indented(f"{row.meaning}; written as {EXAMPLES[row.unit]}", 4)
    return {"measures": rows}, lines


def _seen(bag: Path) -> tuple[dict[str, Any], list[str]]:
    """Return what the measures were in a bag; it needs the messages, and so comes late."""
    from lbp_rehab.commands.exercises_seen import read_seen  # noqa: PLC0415

    seen = read_seen(bag)
    rows, lines = [], [f"{'measure':34} {'from':>9} {'to':>9} {'sigma':>9}  known"]
    for each in seen.measures():
        rows.append({**asdict(each), "unit": unit(each.name)})
        low, high, sigma = (readable(v, unit(each.name)) for v in (each.low, each.high, each.sigma))
        lines.append(f"{each.name:34} {low:>9} {high:>9} {sigma:>9}  {100 * each.share:3.0f} %")
    for name, reason in seen.unknown().items():
        lines.append(f"{name:34} never known: {reason.replace('_', ' ')}")
    return {"seen": rows, "unknown": dict(seen.unknown())}, lines


def _indented(text: str, columns: int = 2) -> list[str]:
    return textwrap.wrap(
        text, WIDTH, initial_indent=" " * columns, subsequent_indent=" " * (columns + 2)
    )
