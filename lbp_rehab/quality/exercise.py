"""An exercise as data: the dataclasses and the loader of ``config/exercises/NAME.yaml``."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lbp_rehab import paths
from lbp_rehab.errors import InputError
from lbp_rehab.pose.types import Posture
from lbp_rehab.quality import measures
from lbp_rehab.quality.activation import MUSCLES
from lbp_rehab.quality.strict_yaml import Table
from lbp_rehab.quality.types import Phase, Side, SubScoreKind

MOVING_PHASES = {"out": Phase.OUT, "hold": Phase.HOLD, "return": Phase.RETURN}
_YAML_UNIT = {"rad": "rad", "fraction": ""}

# Ids of the faults that the scorer finds by itself, besides those that a file names.
RANGE_SHORT, JERKY, UNEVEN = "range_short", "jerky", "uneven"


@dataclass(frozen=True)
class TempoRule:
    """How long a phase may last in seconds, and what to say otherwise (None: nothing)."""

    low_s: float
    high_s: float
    too_short: str | None
    too_long: str | None


@dataclass(frozen=True)
class FaultRule:
    """A quantity that must stay in its range during some phases.

    Attributes
    ----------
    low, high : float
        Allowed range in the measure's unit; infinite where open.
    from_start : bool
        Whether the quantity is the change since the start of the repetition.
    moderate, severe, unsafe : float
        Excess over the range at which the severity rises; ``unsafe`` is infinite if never.
    points : float
        Points of the alignment sub-score that are lost at the severe excess; in proportion
        below it and, up to 100, above it.
    at_least_s : float
        A shorter excursion is not a fault.
    """

    id: str
    measure: str
    low: float
    high: float
    from_start: bool
    phases: tuple[Phase, ...]
    moderate: float
    severe: float
    unsafe: float
    points: float
    at_least_s: float
    cue: str


@dataclass(frozen=True)
class SymmetryRule:
    """Left against right: full score up to ``allowed``, none from ``zero_at``."""

    left: str
    right: str
    allowed: float
    zero_at: float
    cue: str


@dataclass(frozen=True)
class MuscleRule:
    """Mean activation that a muscle should have in some phases, as a fraction of its maximum."""

    muscle: str
    low: float
    high: float
    phases: tuple[Phase, ...]
    cue: str

    @property
    def should_work(self) -> bool:
        """Whether the muscle should work, rather than rest."""
        return self.low > 0.0


@dataclass(frozen=True)
class Dose:
    """What is prescribed unless a therapist says otherwise."""

    sets: int
    repetitions: int
    rest_s: float
    days_per_week: int


@dataclass(frozen=True)
class Exercise:
    """One exercise; docs/quality.md explains every key of its file.

    Attributes
    ----------
    start, target : tuple of float
        Ranges of the primary measure at the start position and at the target.
    counts_from : float
        Progress (0 start, 1 target) that a movement must reach to be a repetition.
    sparc_zero, sparc_full : float
        Spectral arc lengths with control score 0 and 100.
    weights : mapping
        Positive; they add up to 1.
    """

    name: str
    title: str
    camera: str
    posture: Posture
    side: Side
    primary: str
    start: tuple[float, float]
    target: tuple[float, float]
    counts_from: float
    range_cue: str
    tempo: Mapping[Phase, TempoRule]
    sparc_zero: float
    sparc_full: float
    control_cue: str
    symmetry: SymmetryRule | None
    faults: tuple[FaultRule, ...]
    muscles: tuple[MuscleRule, ...]
    weights: Mapping[SubScoreKind, float]
    dose: Dose
    cues: Mapping[str, str] = field(default_factory=dict)

    @property
    def unit(self) -> str:
        """Unit of the primary measure."""
        return measures.unit(self.primary)

    @property
    def direction(self) -> float:
        """+1 if the primary measure grows towards the target, else -1."""
        return 1.0 if self.target[0] > self.start[0] else -1.0

    @property
    def target_near(self) -> float:
        """The end of the target range that the movement meets first."""
        return self.target[0] if self.direction > 0 else self.target[1]

    def used_measures(self) -> frozenset[str]:
        """Return every measure that the exercise needs."""
        names = {self.primary} | {rule.measure for rule in self.faults}
        if self.symmetry:
            names |= {self.symmetry.left, self.symmetry.right}
        return frozenset(names | {f"activation_{rule.muscle}" for rule in self.muscles})


def known_exercises(folder: Path | None = None) -> tuple[str, ...]:
    """Return the names of all exercise files."""
    folder = folder or paths.config_dir() / "exercises"
    return tuple(sorted(p.stem for p in folder.glob("*.yaml")))


def load_exercise(name: str, folder: Path | None = None) -> Exercise:
    """Load an exercise by name.

    Parameters
    ----------
    name : str
        For example "glute_bridge".
    folder : Path, optional
        Default: ``config/exercises``.

    Raises
    ------
    InputError
        If there is no such exercise, or its file is wrong; then with file, line and key.
    """
    folder = folder or paths.config_dir() / "exercises"
    known = known_exercises(folder)
    if name not in known:
        raise InputError(f"there is no exercise '{name}'; known are {', '.join(known)}")
    return read_exercise(folder / f"{name}.yaml")


def read_exercise(path: Path) -> Exercise:
    """Read one exercise file; raises InputError that names file, line and key."""
    table = Table.load(path)
    name = table.text("name")
    if name != path.stem:
        raise table.fail("name", f"is '{name}', but the file is called '{path.name}'")
    postures = tuple(p.name.lower() for p in Posture if p != Posture.UNKNOWN)
    posture = Posture[table.text("posture", postures).upper()]
    side = Side[table.text("side", ("none", "left", "right")).upper()]
    title, camera = table.text("title"), table.text("camera")
    primary = table.table("primary")
    measure = primary.text("measure", tuple(measures.MEASURES))
    unit = _YAML_UNIT[measures.unit(measure)]
    start, target = primary.interval("start", unit), primary.interval("target", unit)
    if not (math.isfinite(sum(start)) and (start[1] < target[0] or target[1] < start[0])):
        raise primary.fail("target", "must not overlap with start, and start must be finite")
    counts_from = primary.number("counts_from")
    if not 0.25 <= counts_from < 0.9:
        raise primary.fail("counts_from", "must be between 0.25 and 0.9")
    primary.done()
    tempo = _tempo(table.table("phases"))
    range_table, control = table.table("range"), table.table("control")
    range_cue = range_table.text("cue")
    range_table.done()
    sparc_zero, sparc_full = control.interval("sparc")
    control_cue = control.text("cue")
    control.done()
    exercise = Exercise(
        name=name,
        title=title,
        camera=camera,
        posture=posture,
        side=side,
        primary=measure,
        start=start,
        target=target,
        counts_from=counts_from,
        range_cue=range_cue,
        tempo=tempo,
        sparc_zero=sparc_zero,
        sparc_full=sparc_full,
        control_cue=control_cue,
        symmetry=_symmetry(table.optional_table("symmetry")),
        faults=_faults(table.table("faults")),
        muscles=_muscles(table.optional_table("muscles")),
        weights=_weights(table),
        dose=_dose(table.table("dose")),
    )
    table.done()
    return _with_cues(exercise, table)


def _with_cues(exercise: Exercise, table: Table) -> Exercise:
    cues = {RANGE_SHORT: exercise.range_cue, JERKY: exercise.control_cue}
    if exercise.symmetry:
        cues[UNEVEN] = exercise.symmetry.cue
    for phase, rule in exercise.tempo.items():
        for ending, cue in (("too_short", rule.too_short), ("too_long", rule.too_long)):
            if cue:
                cues[f"{phase.name.lower()}_{ending}"] = cue
    for muscle in exercise.muscles:
        cues[f"{muscle.muscle}_{'low' if muscle.should_work else 'high'}"] = muscle.cue
    for fault in exercise.faults:
        if fault.id in cues:
            raise table.fail("faults", f"names '{fault.id}', which the scorer uses itself")
        cues[fault.id] = fault.cue
    return Exercise(**{**exercise.__dict__, "cues": cues})


def _tempo(table: Table) -> dict[Phase, TempoRule]:
    rules = {}
    for name, phase in MOVING_PHASES.items():
        row = table.table(name)
        low_s, high_s = row.interval("duration", "s")
        short = row.text("too_short") if low_s > 0 else None
        long = row.text("too_long") if math.isfinite(high_s) else None
        rules[phase] = TempoRule(low_s, high_s, short, long)
        row.done()
    table.done()
    return rules


def _faults(table: Table) -> tuple[FaultRule, ...]:
    rules = []
    for fault in table.keys():  # noqa: SIM118
        row = table.table(fault)
        measure = row.text("measure", tuple(measures.MEASURES))
        unit = _YAML_UNIT[measures.unit(measure)]
        low, high = row.interval("allowed", unit)
        moderate, severe = row.number("moderate", unit), row.number("severe", unit)
        unsafe = row.number("unsafe", unit, default=math.inf)
        if not 0 < moderate < severe < unsafe:
            raise row.fail("severe", "must lie above moderate, which must be above 0")
        points = row.number("points")
        if not 0 < points <= 100:
            raise row.fail("points", "must be above 0 and at most 100")
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
            )
        )
        row.done()
    return tuple(rules)


def _phases(table: Table) -> tuple[Phase, ...]:
    return tuple(MOVING_PHASES[p] for p in table.texts("phases", tuple(MOVING_PHASES)))


def _symmetry(table: Table | None) -> SymmetryRule | None:
    if table is None:
        return None
    left = table.text("left", tuple(measures.MEASURES))
    right = table.text("right", tuple(measures.MEASURES))
    unit = _YAML_UNIT[measures.unit(left)]
    rule = SymmetryRule(
        left, right, table.number("allowed", unit), table.number("zero_at", unit), table.text("cue")
    )
    if not 0 <= rule.allowed < rule.zero_at:
        raise table.fail("zero_at", "must lie above allowed")
    table.done()
    return rule


def _muscles(table: Table | None) -> tuple[MuscleRule, ...]:
    if table is None:
        return ()
    rules = []
    for muscle in table.keys():  # noqa: SIM118
        if muscle not in MUSCLES:
            raise table.fail(muscle, f"is no muscle; known are {', '.join(MUSCLES)}")
        row = table.table(muscle)
        low, high = row.interval("activation")
        if (low > 0) == math.isfinite(high):
            raise row.fail("activation", "must be [low, inf] (should work) or [0, high]")
        rules.append(MuscleRule(muscle, low, high, _phases(row), row.text("cue")))
        row.done()
    return tuple(rules)


def _weights(table: Table) -> dict[SubScoreKind, float]:
    row = table.table("weights")
    kinds = {k.name.lower(): k for k in SubScoreKind}
    needs = {"symmetry": "symmetry", "muscle": "muscles"}
    weights = {}
    for name in row.keys():  # noqa: SIM118
        if name not in kinds:
            raise row.fail(name, f"is no sub-score; known are {', '.join(kinds)}")
        if name in needs and not table.has(needs[name]):
            raise row.fail(name, f"needs the key '{needs[name]}' in this file")
        weights[kinds[name]] = row.number(name)
        if weights[kinds[name]] <= 0:
            raise row.fail(name, "must be above 0")
    if not weights:
        raise table.fail("weights", "must name at least one sub-score")
    return {k: w / sum(weights.values()) for k, w in weights.items()}


def _dose(table: Table) -> Dose:
    dose = Dose(
        table.whole("sets"),
        table.whole("repetitions"),
        table.number("rest", "s"),
        table.whole("days_per_week"),
    )
    table.done()
    return dose
