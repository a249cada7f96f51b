"""What to record: everything that decides a synthetic recording."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

from lbp_rehab.errors import InputError
from lbp_rehab.stamps import NANOSECONDS
from lbp_rehab.synthetic.clock import ClockSettings
from lbp_rehab.synthetic.draws import Draws, Split
from lbp_rehab.synthetic.motion.movement import SIDES, Fault, Movement, perform
from lbp_rehab.synthetic.motion.programs import effect, program
from lbp_rehab.synthetic.sync import MOST_FLASHES, flash_times_s, rest_s

# The names of `imaging.rgbd.PRESETS`, which cannot be imported without the optional part.
CAMERAS = ("d435", "azure_kinect", "ideal")
SUPPORTS = ("mat", "bed", "floor")
CONDITIONS = ("clear", "blanket", "occluder", "therapist", "dark", "misregistered")
SMALLEST_PX, LARGEST_PX = 16, 4096
NARROWEST, WIDEST = 0.5, 3.0  # width over height: the lenses are modelled for usual formats
MOST_REPETITIONS = 1000
LONGEST_REST_S = 600.0
FARTHEST_M = 65.0  # what 16-bit millimetres hold
_SEED_END = 2**63
_PERFECT = ClockSettings()
_FLASH_DRAWS = 24  # stream of draws
_START_NS = 1_700_000_000 * NANOSECONDS


@dataclass(frozen=True)
class Scenario:
    """A recording before it is made; small, so that it travels between processes.

    Attributes
    ----------
    exercise : str
        A key of `PROGRAMS`.
    seed : int
        Decides person, style, room, view and all noise.
    faults : tuple of Fault
    repetitions : int
    side : str
        One of `SIDES`.
    split : Split
    camera : str
        One of `CAMERAS`.
    size : tuple of int
        Columns and rows.
    rate_hz : float
        Of the images.
    view : str
        As `parse_view` reads it; empty: drawn.
    support : str
        One of `SUPPORTS`; empty: drawn, the floor for those who stand.
    condition : str
        One of `CONDITIONS`.
    initial_rest_s : float
    free_pelvis_deg : float
        See `perform`.
    max_depth_m : float
        Farther depth is not given, as realsense2_camera's ``clip_distance`` does; 0: all is.
    camera_clock : ClockSettings
    start_ns : int
        Stamp of the movement's time 0.
    sync_flashes : int
        How often an LED flashes in the first rest, which is as long as that takes; the amplifier
        gets a pulse with each.
    """

    exercise: str
    seed: int = 0
    faults: tuple[Fault, ...] = ()
    repetitions: int = 5
    side: str = "alternating"
    split: Split = Split.ANY
    camera: str = "d435"
    size: tuple[int, int] = (640, 480)
    rate_hz: float = 15.0
    view: str = ""
    support: str = ""
    condition: str = "clear"
    initial_rest_s: float = 4.0
    max_depth_m: float = 0.0
    free_pelvis_deg: float = 0.0
    camera_clock: ClockSettings = _PERFECT
    start_ns: int = _START_NS
    sync_flashes: int = 0

    def __post_init__(self) -> None:
        program(self.exercise)
        for fault in self.faults:
            effect(self.exercise, fault.name)
        if not 0 <= self.seed < _SEED_END:
            raise InputError(f"the seed {self.seed} must not be negative, and below 2**63")
        if not 1 <= self.repetitions <= MOST_REPETITIONS:
            raise InputError(
                f"a set must have 1 to {MOST_REPETITIONS} repetitions, not {self.repetitions}"
            )
        if self.side not in SIDES:
            raise InputError(f"the side {self.side!r} must be one of {', '.join(SIDES)}")
        if self.camera not in CAMERAS:
            raise InputError(
                f"there is no camera {self.camera!r}; choose one of {', '.join(CAMERAS)}"
            )
        _check_size(*self.size)
        if not 0.5 <= self.rate_hz <= 120.0:
            raise InputError(f"a rate of {self.rate_hz} images a second must be 0.5 to 120")
        if self.support not in ("", *SUPPORTS):
            raise InputError(f"the support {self.support!r} must be {', '.join(SUPPORTS)}")
        if self.condition not in CONDITIONS:
            raise InputError(
                f"the condition {self.condition!r} must be one of {', '.join(CONDITIONS)}"
            )
        if not 0.0 <= self.initial_rest_s <= LONGEST_REST_S:
            raise InputError(
                f"a first rest of {self.initial_rest_s} s must be 0 to {LONGEST_REST_S:g} s"
            )
        if not 0.0 <= self.max_depth_m <= FARTHEST_M:
            raise InputError(
                f"a farthest depth of {self.max_depth_m} m must be 0 (all) to {FARTHEST_M:g} m"
            )
        if not 0 <= self.sync_flashes <= MOST_FLASHES:
            raise InputError(
                f"an LED can flash 0 to {MOST_FLASHES} times, not {self.sync_flashes} times"
            )
        check_losses(self.camera_clock)

    def draws(self, stream: int) -> Draws:
        """Return one of the scenario's streams of draws."""
        return Draws(self.seed, self.split, stream)

    @cached_property
    def movement(self) -> Movement:
        """The movement alone, which needs no body."""
        return perform(
            self.exercise,
            self.seed,
            repetitions=self.repetitions,
            faults=self.faults,
            side=self.side,
            split=self.split,
            initial_rest_s=max(self.initial_rest_s, rest_s(self.flashes_s)),
            free_pelvis_deg=self.free_pelvis_deg,
        )

    @cached_property
    def flashes_s(self) -> tuple[float, ...]:
        """When the LED begins to shine, in the movement's time."""
        return flash_times_s(self.sync_flashes, self.draws(_FLASH_DRAWS))

    def stamp_ns(self, t_s: float) -> int:
        """Return the stamp of a time of the movement."""
        return self.start_ns + round(t_s * NANOSECONDS)


def check_losses(clock: ClockSettings) -> None:
    """Check that a device's clock lets something through.

    Raises
    ------
    InputError
        If everything is lost.
    """
    if clock.drop_probability >= 1.0:
        raise InputError(
            f"a share of lost items of {clock.drop_probability:g} leaves an empty recording: "
            "give less than 1"
        )


def _check_size(columns: int, rows: int) -> None:
    if not (min(columns, rows) >= SMALLEST_PX and max(columns, rows) <= LARGEST_PX):
        raise InputError(
            f"images of {columns}x{rows} pixels must have {SMALLEST_PX} to {LARGEST_PX} columns "
            "and rows, such as 640x480"
        )
    if not NARROWEST <= columns / rows <= WIDEST:
        raise InputError(
            f"images of {columns}x{rows} pixels must be {NARROWEST:g} to {WIDEST:g} times as wide "
            "as they are high, such as 640x480"
        )


def period_ns(scenario: Scenario) -> int:
    """Return the length of a set that is played over and over, whole seconds in nanoseconds.

    Live sources take the ROS time modulo this as the time of the movement, so that camera and
    amplifier agree without knowing each other.
    """
    return math.ceil(scenario.movement.duration_s) * NANOSECONDS
