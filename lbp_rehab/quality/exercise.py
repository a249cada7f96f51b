"""An exercise as data: the dataclass and the loader of ``config/exercises/NAME.yaml``."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from lbp_rehab import paths
from lbp_rehab.errors import InputError
from lbp_rehab.pose.types import Posture
from lbp_rehab.quality import measures, rule_file
from lbp_rehab.quality.rules import (
    CameraAdvice,
    Dose,
    FaultRule,
    HesitationRule,
    MuscleRule,
    SymmetryRule,
    TempoRule,
)
from lbp_rehab.quality.strict_yaml import Table
from lbp_rehab.quality.types import Phase, Side, SubScoreKind

# Ids of the faults that the scorer finds by itself, besides those that a file names.
RANGE_SHORT, JERKY, UNEVEN = "range_short", "jerky", "uneven"
TOO_FAST, TOO_SLOW = "too_fast", "too_slow"
COMPLETE_FROM = 0.9  # progress; the last tenth is left to the range's sub-score
ONE_SIDED = ("left", "right", "either")
SUFFIX = ".yaml"


@dataclass(frozen=True)
class Exercise:
    """One exercise; docs/exercises.md explains every key of its file.

    Attributes
    ----------
    side : Side
        The side that works; NONE if both do, or if either may.
    either : bool
        Whether each repetition works on one side, which the movement itself tells.
    primary : str
        The measure that tells the repetitions.
    from_rest : bool
        Whether the primary measure counts from the patient's first still moment.
    start, target : tuple of float
        Ranges of the primary measure at the start position and at the target.
    second : tuple of float or None
        Range at a second extreme on the other side of the start, which belongs to the repetition.
    counts_from : float
        Progress (0 start, 1 target) that a movement must reach to be a repetition.
    complete_from : float
        Progress that it must reach to be a complete one.
    range_points : float
        Points of the range sub-score that are lost at ``counts_from``.
    tempo : mapping
        Of each moving phase.
    whole : TempoRule
        Of the whole repetition.
    sparc_zero, sparc_full : float
        Spectral arc lengths with control score 0 and 100.
    weights : mapping
        Positive; they add up to 1.
    cues : mapping of str to str
        Fault that can be found to cue.
    texts : mapping of str to mapping of str to str
        Language, cue, text: what the file says itself, over ``config/cues``.
    """

    name: str
    title: str
    camera: CameraAdvice
    posture: Posture
    side: Side
    either: bool
    primary: str
    from_rest: bool
    start: tuple[float, float]
    target: tuple[float, float]
    second: tuple[float, float] | None
    counts_from: float
    complete_from: float
    range_cue: str
    range_points: float
    tempo: Mapping[Phase, TempoRule]
    whole: TempoRule
    hesitations: tuple[HesitationRule, ...]
    sparc_zero: float
    sparc_full: float
    control_cue: str
    symmetry: SymmetryRule | None
    faults: tuple[FaultRule, ...]
    muscles: tuple[MuscleRule, ...]
    weights: Mapping[SubScoreKind, float]
    dose: Dose
    cues: Mapping[str, str] = field(default_factory=dict)
    texts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

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

    def primaries(self, side: Side = Side.NONE) -> dict[Side, str]:
        """Return the primary measure of each side that may work.

        Parameters
        ----------
        side : Side
            The one that works, if the exercise leaves it open; NONE: either.
        """
        open_to = (side,) if side else (Side.LEFT, Side.RIGHT)
        sides = open_to if self.either else (self.side,)
        return {each: measures.of_side(self.primary, each) for each in sides}

    @property
    def nears(self) -> dict[float, float]:
        """Direction of each extreme -> the value from which it counts as reached."""
        ends = {self.direction: self.target_near}
        if self.second is not None:
            ends[-self.direction] = self.second[1] if self.direction > 0 else self.second[0]
        return ends

    def used_measures(self) -> frozenset[str]:
        """Return every measure that the exercise needs, those of a side for both sides."""
        names = {self.primary} | {rule.measure for rule in self.faults}
        if self.symmetry:
            names |= {self.symmetry.left, self.symmetry.right}
        names |= {limit.measure for rule in self.muscles for limit in rule.limits}
        return frozenset(each for name in names for each in measures.expanded(name))


def known_exercises(folder: Path | None = None) -> tuple[str, ...]:
    """Return the names of all exercise files.

    Parameters
    ----------
    folder : Path, optional
        Of more exercises than those in ``config/exercises``.
    """
    return tuple(sorted(_files(folder)))


def load_exercise(text: str, folder: Path | None = None) -> Exercise:
    """Load an exercise by its name, or by the path of its file.

    Parameters
    ----------
    text : str
        For example "glute_bridge", or "my/heel_slide.yaml".
    folder : Path, optional
        Where names are looked up before ``config/exercises``.

    Raises
    ------
    InputError
        If there is no such exercise, or its file is wrong; then with file, line and key.
    """
    if is_path(text):
        path = Path(text).expanduser()
        if not path.is_file():
            raise InputError(f"there is no exercise file '{text}'; check the path")
        return read_exercise(path)
    files = _files(folder)
    if text not in files:
        here = f"{text}{SUFFIX}"
        hint = f"; for the file here write '{here}'" if Path(here).is_file() else ""
        known = ", ".join(sorted(files))
        raise InputError(f"there is no exercise '{text}'; known are {known}{hint}")
    return read_exercise(files[text])


def shared_exercise(text: str, folder: Path | None = None) -> Exercise:
    """Load an exercise that others find by its name alone, as messages carry it.

    Raises
    ------
    InputError
        As `load_exercise`; or if ``text`` is a path, and its name leads to something else.
    """
    exercise = load_exercise(text, folder)
    if is_path(text):
        found = exercise.name in known_exercises(folder)
        if not (found and load_exercise(exercise.name, folder) == exercise):
            raise InputError(
                f"other nodes would not find '{text}' by its name: give its folder as "
                "'exercise_folder' to quality_scorer and feedback_speaker"
            )
    return exercise


def is_path(text: str) -> bool:
    """Whether an exercise is given as the path of its file rather than as its name."""
    return Path(text).suffix.lower() == SUFFIX


def _files(folder: Path | None) -> dict[str, Path]:
    """Return the file of each name; one in ``folder`` takes the place of ours."""
    folders = [paths.config_dir() / "exercises"]
    if folder is not None:
        if not folder.is_dir():
            raise InputError(f"there is no folder of exercises '{folder}'; check the path")
        folders.append(folder)
    return {path.stem: path for each in folders for path in each.glob(f"*{SUFFIX}")}


def read_exercise(path: Path) -> Exercise:
    """Read one exercise file; raises InputError that names file, line and key."""
    table = Table.load(path)
    name = table.text("name")
    if name != path.stem:
        raise table.fail("name", f"is '{name}', but the file is called '{path.name}'")
    postures = tuple(p.name.lower() for p in Posture if p != Posture.UNKNOWN)
    posture = Posture[table.text("posture", postures).upper()]
    side = table.text("side", ("none", *ONE_SIDED))
    one_sided = side in ONE_SIDED
    title, camera = table.text("title"), rule_file.camera(table.table("camera"))
    primary = table.table("primary")
    measure = rule_file.take_measure(primary, "measure", one_sided)
    if side == "either" and measure not in measures.OF_WORKING_SIDE:
        raise primary.fail("measure", "must be one of the working side (work_...): side is either")
    reference = "absolute"
    if primary.has("reference"):
        reference = primary.text("reference", ("absolute", "rest"))
    from_rest = reference == "rest"
    if from_rest and measures.source(measure) == measures.BREATH:
        raise primary.fail("reference", "must be absolute: who breathes is never still")
    start, target, second = _ranges(primary, rule_file.yaml_unit(measure))
    counts_from = primary.number("counts_from")
    if not 0.25 <= counts_from < 0.9:
        raise primary.fail("counts_from", "must be between 0.25 and 0.9")
    complete_from = primary.number("complete_from", default=COMPLETE_FROM)
    if not counts_from < complete_from <= 1.0:
        raise primary.fail("complete_from", "must lie above counts_from and be at most 1")
    primary.done()
    tempo, whole, hesitations = rule_file.tempo(table.table("phases"))
    range_table, control = table.table("range"), table.table("control")
    range_cue, range_points = range_table.text("cue"), range_table.number("points", default=100.0)
    if not 0 < range_points <= 100:
        raise range_table.fail("points", "must be above 0 and at most 100")
    range_table.done()
    sparc_zero, sparc_full = control.interval("sparc")
    control_cue = control.text("cue")
    control.done()
    exercise = Exercise(
        name=name,
        title=title,
        camera=camera,
        posture=posture,
        side=Side.NONE if side == "either" else Side[side.upper()],
        either=side == "either",
        primary=measure,
        from_rest=from_rest,
        start=start,
        target=target,
        second=second,
        counts_from=counts_from,
        complete_from=complete_from,
        range_cue=range_cue,
        range_points=range_points,
        tempo=tempo,
        whole=whole,
        hesitations=hesitations,
        sparc_zero=sparc_zero,
        sparc_full=sparc_full,
        control_cue=control_cue,
        symmetry=rule_file.symmetry(table.optional_table("symmetry")),
        faults=rule_file.faults(table.table("faults"), one_sided),
        muscles=rule_file.muscles(table.optional_table("muscles")),
        weights=rule_file.weights(table),
        dose=rule_file.dose(table.table("dose")),
    )
    own_texts = table.optional_table("texts")
    table.done()
    cues = _cues(exercise, table)
    return replace(exercise, cues=cues, texts=rule_file.texts(own_texts, set(cues.values())))


def _ranges(
    primary: Table, unit: str
) -> tuple[tuple[float, float], tuple[float, float], tuple[float, float] | None]:
    start, target = primary.interval("start", unit), primary.interval("target", unit)
    if not (math.isfinite(sum(start)) and (start[1] < target[0] or target[1] < start[0])):
        raise primary.fail("target", "must not overlap with start, and start must be finite")
    if not primary.has("second"):
        return start, target, None
    second = primary.interval("second", unit)
    if not (target[1] < start[0] and start[1] < second[0]) and not (
        second[1] < start[0] and start[1] < target[0]
    ):
        raise primary.fail("second", "must lie on the other side of start than target")
    return start, target, second


def _cues(exercise: Exercise, table: Table) -> dict[str, str]:
    """Return the cue of every fault that can be found, by its id."""
    cues = {RANGE_SHORT: exercise.range_cue, JERKY: exercise.control_cue}
    if exercise.symmetry:
        cues[UNEVEN] = exercise.symmetry.cue
    for phase, rule in exercise.tempo.items():
        for ending, cue in (("too_short", rule.too_short), ("too_long", rule.too_long)):
            if cue:
                cues[f"{phase.name.lower()}_{ending}"] = cue
    for fault, cue in (
        (TOO_FAST, exercise.whole.too_short),
        (TOO_SLOW, exercise.whole.too_long),
    ):
        if cue:
            cues[fault] = cue
    for muscle in exercise.muscles:
        cues |= {limit.id: limit.cue for limit in muscle.limits}
    for hesitation in exercise.hesitations:
        if hesitation.id in cues:
            raise table.fail("phases", f"names '{hesitation.id}', which the scorer uses itself")
        cues[hesitation.id] = hesitation.cue
    for fault_rule in exercise.faults:
        if fault_rule.id in cues:
            raise table.fail("faults", f"names '{fault_rule.id}', which the scorer uses itself")
        cues[fault_rule.id] = fault_rule.cue
    return cues
