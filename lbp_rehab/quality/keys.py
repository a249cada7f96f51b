"""Every key of an exercise file: what it takes and means; the page and the schema are made of it.

`lbp_rehab.quality.exercise` reads the keys; a test holds the two together.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from lbp_rehab.languages import known_languages
from lbp_rehab.pose.types import Posture
from lbp_rehab.quality.activation import INDICES, MUSCLES
from lbp_rehab.quality.rules import CAMERA_SIDES, Demand
from lbp_rehab.quality.types import SubScoreKind

REQUIRED, AT_LEAST_ONE = "required", "one is needed"


class Kind(Enum):
    """What stands behind a key."""

    TEXT = "text"
    MEASURE = "measure"
    CHOICE = "one of"
    CHOICES = "list of"
    WHOLE = "whole number, 1 or more"
    VALUE = "value"
    RANGE = "[low, high]"


class Unit(Enum):
    """How a value is written."""

    NONE = "number"
    ANGLE = "deg"
    TIME = "s"
    MEASURE = "in the measure's unit"


@dataclass(frozen=True)
class Key:
    """One key.

    Attributes
    ----------
    path : str
        Dotted; ``a/b`` stands for either key, and a word in capitals for one of `CHOSEN`.
    kind : Kind
    meaning : str
    unit : Unit
        Of a value or a range.
    choices : tuple of str
    default : str
        What counts without the key, for people; `REQUIRED` if it must be there where the table
        around it is.
    """

    path: str
    kind: Kind
    meaning: str
    unit: Unit = Unit.NONE
    choices: tuple[str, ...] = ()
    default: str = REQUIRED

    @property
    def required(self) -> bool:
        """Whether the key must be there, where the table around it is."""
        return self.default == REQUIRED


_WAYS = ("out", "hold", "return")
# Keys that the author of the file chooses; empty: any name.
CHOSEN: dict[str, tuple[str, ...]] = {
    "FAULT": (),
    "CUE": (),
    "MUSCLE": (*MUSCLES, *INDICES),
    "PART": tuple(k.name.lower() for k in SubScoreKind),
    "LANGUAGE": known_languages(),
}
# Tables that need not be there.
OPTIONAL_TABLES = (
    "phases.out/return.hesitation", "phases.whole", "symmetry", "muscles", "texts",
)  # fmt: skip
_POSTURES = tuple(p.name.lower() for p in Posture if p != Posture.UNKNOWN)

KEYS: tuple[Key, ...] = (
    Key("name", Kind.TEXT, "the file's name without `.yaml`"),
    Key("title", Kind.TEXT, "for people"),
    Key("posture", Kind.CHOICE, "of the patient", choices=_POSTURES),
    Key(
        "side", Kind.CHOICE,
        "the side that works; `none` if both do, `either` if each repetition works on one side, "
        "which the movement itself tells",
        choices=("none", "left", "right", "either"),
    ),
    Key("camera.advice", Kind.TEXT, "where the camera should stand, for people"),
    Key("camera.sides", Kind.CHOICES, "sides of the patient it may look from",
        choices=CAMERA_SIDES),
    Key("camera.elevation", Kind.RANGE, "how far over the horizontal it may stand, 0 to 90 deg",
        Unit.ANGLE),
    Key("primary.measure", Kind.MEASURE, "what tells the repetitions"),
    Key(
        "primary.reference", Kind.CHOICE,
        "`rest`: the measure counts from the patient's first still moment, which is 0",
        choices=("absolute", "rest"), default="absolute",
    ),
    Key("primary.start", Kind.RANGE, "where a repetition begins and ends; both ends finite",
        Unit.MEASURE),
    Key("primary.target", Kind.RANGE,
        "where it goes; its near end is progress 1, the patient's own start 0", Unit.MEASURE),
    Key(
        "primary.second", Kind.RANGE,
        "a second extreme on the other side of `start`, which belongs to the repetition",
        Unit.MEASURE, default="none",
    ),
    Key("primary.counts_from", Kind.VALUE,
        "progress from which a movement is a repetition, 0.25 to 0.9"),
    Key("primary.complete_from", Kind.VALUE,
        "progress from which a repetition is complete", default="0.9"),
    Key("phases.out/hold/return.duration", Kind.RANGE,
        "how long the way out, the stay and the way back may last", Unit.TIME),
    Key(
        "phases.out/hold/return.too_short", Kind.TEXT, "cue for less",
        default="needed unless the duration begins at 0",
    ),
    Key(
        "phases.out/hold/return.too_long", Kind.TEXT, "cue for more",
        default="needed unless the duration is open (`inf`)",
    ),
    Key("phases.out/hold/return.zero_at", Kind.RANGE,
        "durations from which all points of the phase are lost", Unit.TIME,
        default="half and twice"),
    Key("phases.out/return.hesitation.id", Kind.TEXT,
        "name of the fault of slowing down midway, as a painful arc does"),
    Key("phases.out/return.hesitation.allowed", Kind.VALUE,
        "how long the way may all but stand still", Unit.TIME),
    Key("phases.out/return.hesitation.zero_at", Kind.VALUE,
        "from when all points of control are lost", Unit.TIME),
    Key("phases.out/return.hesitation.cue", Kind.TEXT, "what to say"),
    Key("phases.whole.duration", Kind.RANGE, "how long the whole repetition may last", Unit.TIME),
    Key("phases.whole.too_short", Kind.TEXT, "cue for less",
        default="needed unless the duration begins at 0"),
    Key("phases.whole.too_long", Kind.TEXT, "cue for more",
        default="needed unless the duration is open (`inf`)"),
    Key("phases.whole.zero_at", Kind.RANGE, "durations from which all its points are lost",
        Unit.TIME, default="half and twice"),
    Key("range.cue", Kind.TEXT, "cue for not reaching the target"),
    Key("range.points", Kind.VALUE, "points of the range that are lost at `counts_from`, to 100",
        default="100"),
    Key("control.sparc", Kind.RANGE,
        "spectral arc length (negative; nearer 0 is smoother) at control 0 and 100"),
    Key("control.cue", Kind.TEXT, "cue for a jerky movement"),
    Key("symmetry.left", Kind.MEASURE, "compared with `right`"),
    Key("symmetry.right", Kind.MEASURE, "compared with `left`"),
    Key("symmetry.allowed", Kind.VALUE, "difference that costs nothing", Unit.MEASURE),
    Key("symmetry.zero_at", Kind.VALUE, "difference from which all points are lost", Unit.MEASURE),
    Key("symmetry.cue", Kind.TEXT, "what to say"),
    Key("faults.FAULT.measure", Kind.MEASURE, "what is watched"),
    Key("faults.FAULT.allowed", Kind.RANGE, "where the measure should be", Unit.MEASURE),
    Key(
        "faults.FAULT.reference", Kind.CHOICE,
        "`start`: the change since the start of the repetition", choices=("absolute", "start"),
    ),
    Key("faults.FAULT.phases", Kind.CHOICES, "when it is watched", choices=_WAYS),
    Key(
        "faults.FAULT.demand", Kind.CHOICE,
        "`stay` in the range all the time, or `reach` it at least once",
        choices=tuple(d.value for d in Demand), default="stay",
    ),
    Key("faults.FAULT.moderate", Kind.VALUE,
        "excess over the range from which it is moderate, and corrected at once", Unit.MEASURE),
    Key("faults.FAULT.severe", Kind.VALUE, "excess from which it is severe; above `moderate`",
        Unit.MEASURE),
    Key("faults.FAULT.unsafe", Kind.VALUE, "excess from which the patient is stopped",
        Unit.MEASURE, default="never"),
    Key("faults.FAULT.points", Kind.VALUE,
        "points of the alignment lost at the severe excess, to 100; in proportion below it"),
    Key("faults.FAULT.at_least", Kind.VALUE,
        "a shorter excursion is none, unless it lasts through most of its phases; values are "
        "averaged over it", Unit.TIME, default="0.2 s"),
    Key("faults.FAULT.cue", Kind.TEXT, "what to say"),
    Key("muscles.MUSCLE.activation", Kind.RANGE,
        "of a muscle: mean activation; `[low, inf]`, it should work; `[0, high]`, it should not",
        default="not judged"),
    Key("muscles.MUSCLE.onset", Kind.RANGE,
        "of a muscle: when both of its sides are on, counted from the start of the movement; "
        "`[-inf, latest]`", Unit.TIME, default="not judged"),
    Key("muscles.MUSCLE.onset_cue", Kind.TEXT, "what to say if it is late", default="`cue`"),
    Key("muscles.MUSCLE.fatigue", Kind.RANGE,
        "of a muscle: slope of its median frequency over the set, Hz/s; `[steepest, inf]`",
        default="not judged"),
    Key("muscles.MUSCLE.fatigue_cue", Kind.TEXT, "what to say if it tires", default="`cue`"),
    Key("muscles.MUSCLE.mean", Kind.RANGE,
        "of several muscles together, where it is needed: their mean; one end or both",
        default="needed for `co_contraction`, `emg_asymmetry`, `local_share`"),
    Key("muscles.MUSCLE.phases", Kind.CHOICES, "when a mean is taken", choices=_WAYS),
    Key("muscles.MUSCLE.cue", Kind.TEXT, "what to say"),
    Key(
        "weights.PART", Kind.VALUE,
        "weight of a part of the score, above 0; they need not add up to 1, and a part without a "
        "weight does not count",
        default=AT_LEAST_ONE,
    ),
    Key("dose.sets", Kind.WHOLE, "what is prescribed"),
    Key("dose.repetitions", Kind.WHOLE, "of a set"),
    Key("dose.rest", Kind.VALUE, "between sets", Unit.TIME),
    Key("dose.days_per_week", Kind.WHOLE, "how often"),
    Key(
        "texts.LANGUAGE.CUE", Kind.TEXT,
        "what is said for a cue that this file names, at most eight words (14 characters in "
        "Chinese); it counts before `config/cues`",
        default="as in `config/cues`",
    ),
)  # fmt: skip
