"""Write the tables of ``docs/exercises.md`` and the schema from what loader and files say.

``python docs/exercise_tables.py`` rewrites what stands between the markers ``<!-- keys -->``,
``<!-- measures -->``, ``<!-- cues -->`` or ``<!-- facts: EXERCISE -->`` and ``<!-- end -->``, and
``config/exercises.schema.json``; with ``--check`` it only compares and exits 1 if one of them is
out of date.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path

from lbp_rehab.feedback.texts import GENERAL, load_texts
from lbp_rehab.paths import config_dir
from lbp_rehab.quality.exercise import Exercise, known_exercises, load_exercise
from lbp_rehab.quality.keys import KEYS, Key, Kind, Unit
from lbp_rehab.quality.meanings import MeasureRow, measure_rows
from lbp_rehab.quality.schema import json_schema

PAGE = Path(__file__).parent / "exercises.md"
SCHEMA = config_dir() / "exercises.schema.json"
BLOCK = re.compile(r"(<!-- (keys|measures|cues|facts: \w+) -->\n).*?(<!-- end -->)", re.DOTALL)
SIDES = {"none": "both sides at once", "either": "one side at a time, either may begin"}


def keys() -> str:
    """Return every key as a table."""
    lines = ["| key | takes | without it | meaning |", "|---|---|---|---|"]
    for key in KEYS:
        without = "" if key.required else key.default
        lines.append(f"| `{key.path}` | {_takes(key)} | {without} | {key.meaning} |")
    return "\n".join(lines) + "\n"


def _takes(key: Key) -> str:
    if key.choices:
        return f"{key.kind.value} {', '.join(f'`{choice}`' for choice in key.choices)}"
    if key.kind not in (Kind.VALUE, Kind.RANGE):
        return key.kind.value
    example = {
        Unit.NONE: "a number",
        Unit.ANGLE: "`5 deg`",
        Unit.TIME: "`2 s`",
        Unit.MEASURE: "as its measure",
    }[key.unit]
    return f"`[low, high]`, {example}" if key.kind == Kind.RANGE else example


def measures() -> str:
    """Return every measure as a table."""
    lines = ["| measure | in | from | what it is |", "|---|---|---|---|"]
    for row in measure_rows():
        lines.append(
            f"| {_names(row)} | {row.written or 'number'} | `{row.topic}` | {row.meaning} |"
        )
    return "\n".join(lines) + "\n"


def _names(row: MeasureRow) -> str:
    return ", ".join(f"`{name}`" for name in row.names)


def cues() -> str:
    """Return every cue that has texts, with the English one."""
    lines = ["| cue | said |", "|---|---|"]
    texts = load_texts("en")
    lines += [f"| `{cue}` | {texts[cue]} |" for cue in sorted(texts) if cue not in GENERAL]
    return "\n".join(lines) + "\n"


def facts(name: str) -> str:
    """Return what an exercise's file says, as a paragraph."""
    exercise = load_exercise(name)
    side = "either" if exercise.either else exercise.side.name.lower()
    posture = exercise.posture.name.lower().replace("_", " ")
    text = (
        f"`{name}`: {posture}, {SIDES.get(side, side)}. Camera: {_lower(exercise.camera.text)}. "
        f"Repetitions are told by `{exercise.primary}`. Faults: {_faults(exercise)}."
    )
    if exercise.muscles:
        muscles = ", ".join(f"`{rule.muscle}`" for rule in exercise.muscles)
        text += f" With sEMG: {muscles}."
    return text + "\n"


def _faults(exercise: Exercise) -> str:
    named = [f"`{rule.id}` (by `{rule.measure}`)" for rule in exercise.faults]
    named += [f"`{rule.id}`" for rule in exercise.hesitations]
    if exercise.symmetry:
        named.append("`uneven`")
    return ", ".join(named)


def _lower(text: str) -> str:
    return text[0].lower() + text[1:]


def updated(page: str) -> str:
    """Return the page with every table made anew.

    Raises
    ------
    SystemExit
        If an exercise has no place on the page, or a place names no exercise.
    """
    wanted = {"keys", "measures", "cues", *(f"facts: {name}" for name in known_exercises())}
    places = {match.group(2) for match in BLOCK.finditer(page)}
    if places != wanted:
        raise SystemExit(f"{PAGE.name} has other places than needed: {sorted(places ^ wanted)}")

    def made(what: str) -> str:
        plain = {"keys": keys, "measures": measures, "cues": cues}
        return plain[what]() if what in plain else facts(what.partition(": ")[2])

    return BLOCK.sub(lambda m: m.group(1) + made(m.group(2)) + m.group(3), page)


def schema() -> str:
    """Return the text of the schema, as ``lbp-rehab exercises --schema`` prints it."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def main(arguments: list[str] | None = None) -> int:
    """Rewrite or check the page and the schema."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="compare only; exit 1 if out of date")
    check = parser.parse_args(arguments).check
    stale = 0
    page = PAGE.read_text(encoding="utf-8")
    old_schema = SCHEMA.read_text(encoding="utf-8") if SCHEMA.exists() else ""
    for path, old, new in ((PAGE, page, updated(page)), (SCHEMA, old_schema, schema())):
        if check and old != new:
            print(f"{path} is out of date; run: python docs/exercise_tables.py", file=sys.stderr)
            stale = 1
        elif not check:
            path.write_text(new, encoding="utf-8")
    return stale


if __name__ == "__main__":
    sys.exit(main())
