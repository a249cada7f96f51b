"""Scenarios as people write them: options of a command, and the specification of a source."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import unquote

from lbp_rehab.errors import InputError
from lbp_rehab.synthetic.clock import ClockSettings
from lbp_rehab.synthetic.motion.movement import Fault
from lbp_rehab.synthetic.scenario import Scenario

if TYPE_CHECKING:
    from lbp_rehab.synthetic.recording import Output

KEYS = ("fault", "severity", "seed", "repetitions", "side", "camera", "view", "support",
        "condition", "size", "rate")  # fmt: skip
_DIGITS = 5  # of a number of pixels; Python refuses thousands of them in its own words


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


def parse_faults(texts: Iterable[str], severity: float = 1.0) -> tuple[Fault, ...]:
    """Return faults, those without a severity with this one, which must be right in any case.

    Raises
    ------
    InputError
        If a fault cannot be read, or a severity is not between 0 and 1.
    """
    if not 0.0 <= severity <= 1.0:
        raise InputError(f"the severity {severity} must lie between 0 and 1")
    return tuple(parse_fault(text, severity) for text in texts)


def parse_size(text: str) -> tuple[int, int]:
    """Return columns and rows written as ``640x480``.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    columns, _, rows = text.partition("x")
    if not all(n.isascii() and n.isdecimal() and len(n) <= _DIGITS for n in (columns, rows)):
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
        faults = parse_faults(given.get("fault", []), float(last.get("severity", 1.0)))
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


def command_line(scenario: Scenario, output: Output) -> str | None:
    """Return the call of ``lbp-rehab synth`` that makes a recording, without ``--out``.

    None if its options cannot say all of it: what programs may ask for beyond them.
    """
    clock, electrodes = output.emg_clock, output.electrodes
    jitter_ns, drop = clock.jitter_ns, clock.drop_probability
    sayable = Scenario(
        scenario.exercise, scenario.seed, scenario.faults, scenario.repetitions, scenario.side,
        camera=scenario.camera, size=scenario.size, rate_hz=scenario.rate_hz, view=scenario.view,
        support=scenario.support, condition=scenario.condition, max_depth_m=scenario.max_depth_m,
        camera_clock=ClockSettings(jitter_ns=jitter_ns, drop_probability=drop),
        sync_flashes=scenario.sync_flashes,
    )  # fmt: skip
    said = replace(
        output,
        electrodes=type(electrodes)(
            rate_hz=electrodes.rate_hz, mains_hz=electrodes.mains_hz,
            mvc_trial=electrodes.mvc_trial, random_loose=electrodes.random_loose,
        ),
        emg_clock=ClockSettings(
            offset_ns=clock.offset_ns, drift_ppb=clock.drift_ppb, jitter_ns=jitter_ns,
            drop_probability=drop,
        ),
    )  # fmt: skip
    if scenario != sayable or output != said:
        return None
    options = {
        "exercise": scenario.exercise,
        "seed": scenario.seed,
        "repetitions": scenario.repetitions,
        "side": scenario.side,
        "camera": scenario.camera,
        "view": scenario.view,
        "support": scenario.support,
        "condition": scenario.condition,
        "size": "x".join(map(str, scenario.size)),
        "rate": scenario.rate_hz,
        "max-depth": scenario.max_depth_m,
        "jpeg-quality": output.jpeg_quality,
        "png-compression": output.png_compression,
        "emg-rate": electrodes.rate_hz,
        "mains": electrodes.mains_hz,
        "loose": electrodes.random_loose,
        "jitter": jitter_ns / 1e6,
        "drop": drop,
        "emg-drift": clock.drift_ppb / 1e3,
        "emg-offset": clock.offset_ns / 1e6,
    }
    words = [f"--{name}={value}" for name, value in options.items() if value != ""]
    words += [f"--fault={f.repetition}:{f.name}:{f.severity}" for f in scenario.faults]
    words += [f"--sync-flashes={scenario.sync_flashes}"] if scenario.sync_flashes else []
    words += ["--mvc-trial"] if electrodes.mvc_trial else []
    return shlex.join(["lbp-rehab", "synth", *words])
