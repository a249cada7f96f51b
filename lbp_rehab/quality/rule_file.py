"""Reads the rules of an exercise file; each mistake is told with file, line and key."""

from __future__ import annotations

import math
from collections.abc import Collection

from lbp_rehab.languages import fits, known_languages, longest
from lbp_rehab.quality import measures
from lbp_rehab.quality.activation import INDICES, MUSCLES
from lbp_rehab.quality.rules import (
    CAMERA_SIDES,
    NO_WHOLE,
    CameraAdvice,
    Demand,
    Dose,
    FaultRule,
    HesitationRule,
    Judged,
    MuscleLimit,
    MuscleRule,
    SymmetryRule,
    TempoRule,
)
from lbp_rehab.quality.strict_yaml import Table, did_you_mean
from lbp_rehab.quality.types import Phase, SubScoreKind

MOVING_PHASES = {"out": Phase.OUT, "hold": Phase.HOLD, "return": Phase.RETURN}
# From so much later than allowed all points are lost: transversus came 0.1 to 0.2 s later in low
# back pain than in healthy people (Hodges and Richardson 1996, Spine 21:2640).
ONSET_LOST_S = 0.2
_YAML_UNIT = {"rad": "rad", "m": "m", "fraction": ""}


def yaml_unit(measure: str) -> str:
    """Return the unit in which `Table` takes values of a measure."""
    return _YAML_UNIT[measures.unit(measure)]


def camera(table: Table) -> CameraAdvice:
    """Read where the camera should stand."""
    advice = CameraAdvice(
        table.text("advice"), table.texts("sides", CAMERA_SIDES), table.interval("elevation", "rad")
    )
    if not advice.sides:
        raise table.fail("sides", "must name at least one side")
    if not (advice.elevation[0] >= 0.0 and advice.elevation[1] <= math.pi / 2):
        raise table.fail("elevation", "must lie between 0 deg and 90 deg")
    table.done()
    return advice


def take_measure(table: Table, key: str, one_sided: bool) -> str:
    """Take the name of a measure; those of the working side only where a side works."""
    name = table.text(key)
    known = measures.NAMES if one_sided else tuple(measures.MEASURES)
    if name in known:
        return name
    if name in measures.NAMES:
        raise table.fail(key, f"is '{name}', which needs a side that works; give 'side'")
    near = did_you_mean(name, known, most=4, cutoff=0.3)
    raise table.fail(key, f"is '{name}', which is no measure{near}")


def tempo(table: Table) -> tuple[dict[Phase, TempoRule], TempoRule, tuple[HesitationRule, ...]]:
    """Read the durations of the phases, of the whole repetition, and where no one should pause."""
    rules, hesitations = {}, []
    for name, phase in MOVING_PHASES.items():
        row = table.table(name)
        rules[phase] = _duration(row)
        arc = row.optional_table("hesitation")
        if arc is not None:
            allowed_s, zero_at_s = arc.number("allowed", "s"), arc.number("zero_at", "s")
            if phase == Phase.HOLD:
                raise row.fail("hesitation", "belongs to out or return")
            if not 0 < allowed_s < zero_at_s:
                raise arc.fail("zero_at", "must lie above allowed, which must be above 0")
            hesitations.append(
                HesitationRule(arc.text("id"), phase, allowed_s, zero_at_s, arc.text("cue"))
            )
            arc.done()
        row.done()
    row_or_none = table.optional_table("whole")
    whole = NO_WHOLE
    if row_or_none is not None:
        whole = _duration(row_or_none)
        row_or_none.done()
    table.done()
    return rules, whole, tuple(hesitations)


def _duration(row: Table) -> TempoRule:
    low_s, high_s = row.interval("duration", "s")
    short = row.text("too_short") if low_s > 0 else None
    long = row.text("too_long") if math.isfinite(high_s) else None
    none_low_s, none_high_s = 0.5 * low_s, 2.0 * high_s
    if row.has("zero_at"):
        none_low_s, none_high_s = row.interval("zero_at", "s")
        if not (none_low_s < low_s or low_s == 0.0) or not none_high_s > high_s:
            raise row.fail("zero_at", "must lie outside of duration")
    return TempoRule(low_s, high_s, short, long, none_low_s, none_high_s)


def faults(table: Table, one_sided: bool) -> tuple[FaultRule, ...]:
    """Read the faults of alignment."""
    rules = []
    for fault in table.keys():  # noqa: SIM118
        row = table.table(fault)
        measure = take_measure(row, "measure", one_sided)
        unit = yaml_unit(measure)
        low, high = row.interval("allowed", unit)
        moderate, severe = row.number("moderate", unit), row.number("severe", unit)
        unsafe = row.number("unsafe", unit, default=math.inf)
        if not 0 < moderate < severe < unsafe:
            raise row.fail("severe", "must lie above moderate, which must be above 0")
        points = row.number("points")
        if not 0 < points <= 100:
            raise row.fail("points", "must be above 0 and at most 100")
        demand = Demand.STAY
        if row.has("demand"):
            demand = Demand(row.text("demand", tuple(d.value for d in Demand)))
        rules.append(
            FaultRule(
                id=fault,
                measure=measure,
                low=low,
                high=high,
                from_start=row.text("reference", ("absolute", "start")) == "start",
                phases=_phases(row),
                moderate=moderate,
                severe=severe,
                unsafe=unsafe,
                points=points,
                at_least_s=row.number("at_least", "s", default=0.2),
                cue=row.text("cue"),
                demand=demand,
            )
        )
        row.done()
    return tuple(rules)


def _phases(table: Table) -> tuple[Phase, ...]:
    return tuple(MOVING_PHASES[p] for p in table.texts("phases", tuple(MOVING_PHASES)))


def symmetry(table: Table | None) -> SymmetryRule | None:
    """Read the comparison of left and right."""
    if table is None:
        return None
    left, right = (take_measure(table, side, one_sided=False) for side in ("left", "right"))
    unit = yaml_unit(left)
    rule = SymmetryRule(
        left, right, table.number("allowed", unit), table.number("zero_at", unit), table.text("cue")
    )
    if not 0 <= rule.allowed < rule.zero_at:
        raise table.fail("zero_at", "must lie above allowed")
    table.done()
    return rule


def muscles(table: Table | None) -> tuple[MuscleRule, ...]:
    """Read what is asked of the muscles, one by one and together."""
    if table is None:
        return ()
    rules = []
    for name in table.keys():  # noqa: SIM118
        known = (*MUSCLES, *INDICES)
        if name not in known:
            raise table.fail(name, f"is no muscle; known are {', '.join(known)}")
        row = table.table(name)
        limits = _of_muscle(row, name) if name in MUSCLES else (_of_index(row, name),)
        if not limits:
            raise table.fail(name, "asks for nothing; give 'activation', 'onset' or 'fatigue'")
        rules.append(MuscleRule(name, limits))
        row.done()
    return tuple(rules)


def _of_muscle(row: Table, muscle: str) -> tuple[MuscleLimit, ...]:
    cue, phases, limits = row.text("cue"), _phases(row), []
    if row.has("activation"):
        low, high = row.interval("activation")
        if (low > 0) == math.isfinite(high):
            raise row.fail("activation", "must be [low, inf] (should work) or [0, high]")
        fault, lost_over = (f"{muscle}_low", low) if low > 0 else (f"{muscle}_high", high)
        measure = f"activation_{muscle}"
        limits.append(MuscleLimit(fault, Judged.MEAN, measure, low, high, lost_over, phases, cue))
    if row.has("onset"):
        low, high = row.interval("onset", "s")
        if math.isfinite(low) or not math.isfinite(high):
            raise row.fail("onset", "must be [-inf, latest]: a muscle is never on too early")
        fault, measure = f"{muscle}_late", f"onset_{muscle}"
        said = row.text("onset_cue") if row.has("onset_cue") else cue
        limits.append(
            MuscleLimit(fault, Judged.ONSET, measure, low, high, ONSET_LOST_S, phases, said)
        )
    if row.has("fatigue"):
        low, high = row.interval("fatigue")
        if math.isfinite(high) or not -math.inf < low < 0:
            raise row.fail("fatigue", "must be [steepest, inf], the steepest fall below 0")
        fault, measure = f"{muscle}_tires", f"fatigue_{muscle}"
        said = row.text("fatigue_cue") if row.has("fatigue_cue") else cue
        limits.append(MuscleLimit(fault, Judged.FATIGUE, measure, low, high, -low, phases, said))
    return tuple(limits)


def _of_index(row: Table, name: str) -> MuscleLimit:
    low, high = row.interval("mean")
    if not (math.isfinite(low) or math.isfinite(high)):
        raise row.fail("mean", "must have an end that is not open")
    if math.isfinite(low) and math.isfinite(high):
        fault, lost_over = f"{name}_outside", 0.5 * (high - low)
    elif low > 0:
        fault, lost_over = f"{name}_low", 0.5 * low
    elif 0 < high < math.inf:
        fault, lost_over = f"{name}_high", high
    else:
        raise row.fail("mean", "must have an end above 0, or two ends")
    return MuscleLimit(
        fault, Judged.MEAN, name, low, high, lost_over, _phases(row), row.text("cue")
    )


def weights(table: Table) -> dict[SubScoreKind, float]:
    """Read the weights of the sub-scores; they add up to 1 in what is returned."""
    row = table.table("weights")
    kinds = {k.name.lower(): k for k in SubScoreKind}
    needs = {"symmetry": "symmetry", "muscle": "muscles"}
    found = {}
    for name in row.keys():  # noqa: SIM118
        if name not in kinds:
            raise row.fail(name, f"is no sub-score; known are {', '.join(kinds)}")
        if name in needs and not table.has(needs[name]):
            raise row.fail(name, f"needs the key '{needs[name]}' in this file")
        found[kinds[name]] = row.number(name)
        if found[kinds[name]] <= 0:
            raise row.fail(name, "must be above 0")
    if not found:
        raise table.fail("weights", "must name at least one sub-score")
    return {k: w / sum(found.values()) for k, w in found.items()}


def dose(table: Table) -> Dose:
    """Read what is prescribed."""
    found = Dose(
        table.whole("sets"),
        table.whole("repetitions"),
        table.number("rest", "s"),
        table.whole("days_per_week"),
    )
    table.done()
    return found


def texts(table: Table | None, cues: Collection[str]) -> dict[str, dict[str, str]]:
    """Read the texts that the exercise brings for its own cues: language, cue id, text."""
    if table is None:
        return {}
    found: dict[str, dict[str, str]] = {}
    for language in table.keys():  # noqa: SIM118
        if language not in known_languages():
            raise table.fail(language, f"is no language; known are {', '.join(known_languages())}")
        row = table.table(language)
        found[language] = {}
        for cue in row.keys():  # noqa: SIM118
            text = row.text(cue)
            if cue not in cues:
                near = did_you_mean(cue, cues)
                raise row.fail(cue, f"is the text of a cue that nothing in this file names{near}")
            if "{" in text:
                raise row.fail(cue, "holds '{', which nothing fills in")
            if not fits(text, language):
                raise row.fail(cue, f"is too long; use at most {longest(language)}")
            found[language][cue] = text
    return found
