"""Scenarios as people write them: options of a command, and the specification of a source."""

from __future__ import annotations

from urllib.parse import unquote

from lbp_rehab.errors import InputError
from lbp_rehab.synthetic.motion.movement import Fault
from lbp_rehab.synthetic.scenario import Scenario

KEYS = ("fault", "severity", "seed", "repetitions", "side", "camera", "view", "support",
        "condition", "size", "rate")  # fmt: skip


def parse_fault(text: str, severity: float = 1.0) -> Fault:
    """Return the fault written as ``name``, ``repetition:name`` or ``repetition:name:severity``.

    Without a repetition, all have it.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    parts = text.split(":")
    try:
        repetition = int(parts.pop(0)) if len(parts) > 1 else 0
        name = parts.pop(0)
        severity = float(parts.pop(0)) if parts else severity
    except ValueError:
        parts = ["?"]
    if parts or not name:
        raise InputError(
            f"cannot read the fault {text!r}: write it as pelvis_drops, 3:pelvis_drops or "
            "5:hips_low:0.8"
        )
    return Fault(repetition, name, severity)


def parse_size(text: str) -> tuple[int, int]:
    """Return columns and rows written as ``640x480``.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    columns, _, rows = text.partition("x")
    if not (columns.isdigit() and rows.isdigit()):
        raise InputError(f"cannot read the size {text!r}: write it as 640x480")
    return int(columns), int(rows)


def parse_scenario(text: str) -> Scenario:
    """Return the scenario written as ``glute_bridge`` or ``bird_dog?fault=limb_low&seed=3``.

    ``|`` serves as ``&``, and ``fault`` may be given several times.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    exercise, _, query = text.partition("?")
    given: dict[str, list[str]] = {}
    for item in query.replace("|", "&").split("&"):
        key, equals, value = item.partition("=")
        if item and (key not in KEYS or not equals or not value):
            raise InputError(
                f"synthetic patient '{text}': '{item}' must be key=value with a key of "
                f"{', '.join(KEYS)}"
            )
        if item:
            given.setdefault(key, []).append(unquote(value))
    last = {key: values[-1] for key, values in given.items()}
    try:
        severity = float(last.get("severity", 1.0))
        faults = tuple(parse_fault(f, severity) for f in given.get("fault", []))
        return Scenario(
            exercise,
            seed=int(last.get("seed", 0)),
            faults=faults,
            repetitions=int(last.get("repetitions", 5)),
            side=last.get("side", "alternating"),
            camera=last.get("camera", "d435"),
            size=parse_size(last.get("size", "640x480")),
            rate_hz=float(last.get("rate", 15.0)),
            view=last.get("view", ""),
            support=last.get("support", ""),
            condition=last.get("condition", "clear"),
        )
    except ValueError as error:
        raise InputError(f"synthetic patient '{text}': {error}") from None
