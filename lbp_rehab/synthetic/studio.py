"""The patient of a scenario in a room before a camera: images with what is true in them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.camera.types import Intrinsics, RgbdFrame
from lbp_rehab.errors import InputError
from lbp_rehab.pelvis.types import PelvisState
from lbp_rehab.pose.types import BodyPose, Posture
from lbp_rehab.synthetic import truth
from lbp_rehab.synthetic.clock import Clock
from lbp_rehab.synthetic.draws import Draws
from lbp_rehab.synthetic.imaging.camera import Camera
from lbp_rehab.synthetic.imaging.clothes import dress
from lbp_rehab.synthetic.imaging.led import Led, place_led
from lbp_rehab.synthetic.imaging.rgbd import Preset, RgbdCamera, preset
from lbp_rehab.synthetic.imaging.rooms import Room, sample_room
from lbp_rehab.synthetic.imaging.scene import DepthFrame, Scene
from lbp_rehab.synthetic.imaging.views import parse_view, place, sample_view, view_name
from lbp_rehab.synthetic.motion.dof import Dof
from lbp_rehab.synthetic.motion.postures import Habit, Poser, poser
from lbp_rehab.synthetic.person.body import Body, Pose
from lbp_rehab.synthetic.person.people import Person, body_of, sample
from lbp_rehab.synthetic.scenario import Scenario
from lbp_rehab.synthetic.staging import Staging, Swept, set_up
from lbp_rehab.synthetic.sync import is_lit

FRAME_ID = "camera_color_optical_frame"
# Streams of draws, beside those of movement (1) and people (10, 11).
_HABIT, _ROOM, _STAGE, _VIEW = 20, 21, 22, 23
_SWEEP = 14  # poses of the movement that the view must hold
_SKIN_STEP = 12  # every so many vertices stand for the skin


@dataclass(frozen=True)
class Shown:
    """One image of the patient and what is true in it.

    Attributes
    ----------
    t_s : float
        Time of the movement.
    frame : RgbdFrame
        With the stamp of the camera's clock.
    pose : BodyPose
        The truth with the true stamp: the 33 keypoints, then the pelvic landmarks.
    pelvis : PelvisState
    box : tuple of float
        x0, y0, x1, y1 of the patient in the image, pixels, cut off at its edges.
    covered : ndarray of bool, shape (37,)
        Under a blanket or behind something that is not the patient.
    neutral : bool
        Whether the patient is at rest before the first repetition.
    area_px : float
        Pixels that show the patient.
    lost : bool
        Whether the camera loses the image, which then nobody gets.
    breath_m : tuple of float
        How far belly and chest stand out.
    """

    t_s: float
    frame: RgbdFrame
    pose: BodyPose
    pelvis: PelvisState
    box: tuple[float, float, float, float]
    covered: NDArray[np.bool_]
    neutral: bool
    area_px: float
    lost: bool = False
    breath_m: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True)
class Glimpse:
    """A depth image of the patient and what is true in it, for who needs no colour.

    Attributes
    ----------
    depth : ndarray of uint16, shape (h, w)
        Millimetres in the pixels of the colour camera; 0: no reading.
    pose : BodyPose
        The true keypoints, with no regard to what covers them.
    pelvis : PelvisState
    """

    depth: NDArray[np.uint16]
    pose: BodyPose
    pelvis: PelvisState


class Patient:
    """A person who does the scenario's exercise."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario, self.movement = scenario, scenario.movement
        self.person: Person = sample(scenario.seed, scenario.split)
        self.body: Body = body_of(self.person)
        habit = _habit(scenario.draws(_HABIT))
        side = self.movement.repetitions[0].side
        self.poser: Poser = poser(scenario.exercise, self.body, self.movement.rest, habit, side)
        # As a calibration takes it: the mean of the rest at the start.
        resting_s = np.arange(0.0, max(scenario.initial_rest_s - 0.2, 0.05), 0.05)
        self.neutral = self.poser.pose(self.movement.at(resting_s).mean(axis=0))

    @property
    def posture(self) -> Posture:
        """The posture of the exercise."""
        return self.poser.posture

    def at(self, t_s: float) -> tuple[Pose, tuple[float, float]]:
        """Return the pose at a time, and how far the belly and the chest stand out, metres."""
        row = self.movement.at(t_s)[0]
        return self.poser.pose(row), (float(row[Dof.BELLY]), float(row[Dof.CHEST]))

    def swept(self) -> Swept:
        """Return where the movement takes the patient."""
        made = self.movement.repetitions
        times = np.linspace(0.0, made[min(1, len(made) - 1)].end_s, _SWEEP)
        poses = [self.at(float(t))[0] for t in times]
        middle = self.at((made[0].top_s + made[0].hold_end_s) / 2.0)[0]
        return Swept(
            np.concatenate([self.body.keypoints(pose) for pose in poses]),
            self.body.keypoints(middle),
            np.concatenate([self.body.skin(pose)[::_SKIN_STEP] for pose in (*poses, middle)]),
        )


class Studio:
    """The patient in a room before a camera; makes the images.

    Parameters
    ----------
    scenario : Scenario

    Raises
    ------
    InputError
        If the optional part is missing or the view cannot be had.
    """

    def __init__(self, scenario: Scenario) -> None:
        self.scenario, self.patient = scenario, Patient(scenario)
        draws = scenario.draws(_ROOM)
        standing = self.patient.posture == Posture.STANDING
        share = draws.rng.uniform()
        drawn = "floor" if standing or share > 0.9 else ("mat" if share < 0.5 else "bed")
        room = sample_room(draws, scenario.support or drawn)  # type: ignore[arg-type]
        kind = preset(scenario.camera, scenario.size)
        swept = self.patient.swept()
        rng = scenario.draws(_VIEW).rng
        if scenario.view:
            camera = place(parse_view(scenario.view), swept.points_m, kind)
        else:
            camera = _drawn_view(rng, swept.points_m, kind, room, self.patient.posture)
        room = room.seen_from(camera.centre_m, swept.points_m)
        dressed = dress(self.patient.body, self.patient.person.outfit)
        self.staging: Staging = set_up(
            scenario.condition, scenario.draws(_STAGE), room, camera, kind,
            exercise=scenario.exercise, swept=swept, split=scenario.split,
        )  # fmt: skip
        self.camera, self._dressed = camera, dressed
        self.view = view_name(camera, self.patient.posture)
        self._scene = Scene(
            self.staging.room,
            [dressed, *self.staging.people],
            camera,
            depth_camera=kind.depth_camera(camera),
            props=self.staging.props,
            blankets=self.staging.blankets,
        )
        self.led: Led | None = None
        if scenario.flashes_s:
            at_rest = self._scene.view(self._surfaces(0.0)[1])
            self.led = place_led(self.staging.room, camera, swept.surface_m, at_rest.depth_m)
        self.rgbd = RgbdCamera(self._exposed(self.staging), camera, scenario.seed)
        self._pelvis = truth.PelvisTruth(
            self.patient.body, camera, self.patient.neutral, scenario.start_ns
        )
        cx, cy = camera.principal_px
        self.intrinsics = Intrinsics(
            camera.width, camera.height, camera.focal_px, camera.focal_px, cx, cy
        )

    def frames(self, start_s: float = 0.0, end_s: float | None = None) -> Iterator[Shown]:
        """Yield the images from one time to another; those that the camera loses say so."""
        s = self.scenario
        end_s = s.movement.duration_s if end_s is None else end_s
        n = max(int((end_s - start_s) * s.rate_hz), 0)
        clock = Clock(s.camera_clock, s.seed)
        for item in clock.frames(s.rate_hz, n, s.stamp_ns(start_s)):
            t_s = start_s + item.index / s.rate_hz
            yield replace(self.show(t_s, item.true_ns, item.stamp_ns), lost=item.lost)

    def show(self, t_s: float, true_ns: int, stamp_ns: int) -> Shown:
        """Return the image at a time of the movement.

        Parameters
        ----------
        true_ns, stamp_ns : int
            When it is taken, and what the camera's clock says of it.
        """
        pose, surfaces = self._surfaces(t_s)
        seen = self._scene.view(surfaces)
        if self.led is not None and is_lit(self.scenario.flashes_s, t_s):
            self.led.shine(seen.colour, seen.depth_m)
        frame = RgbdFrame(
            stamp_ns,
            FRAME_ID,
            self.rgbd.measure_colour(seen.colour),
            self._measured(self._scene.depth()),
            self.intrinsics,
        )
        body_pose = self.keypoints(pose, true_ns)
        visibility, covered = truth.seen(self.patient.body, body_pose, seen.person, seen.depth_m)
        others = range(1, 1 + len(self.staging.people))
        body_pose = replace(
            body_pose,
            visibility=visibility,
            people_in_view=1 + sum(bool((seen.owner == k).any()) for k in others),
        )
        return Shown(
            t_s=t_s,
            frame=frame,
            pose=body_pose,
            pelvis=self.pelvis(pose, true_ns),
            box=self._box(surfaces[0]),
            covered=covered,
            neutral=t_s < self.scenario.movement.repetitions[0].start_s - 0.1,
            area_px=float((seen.owner == 0).sum()),
            breath_m=self.patient.at(t_s)[1],
        )

    def glimpse(self, t_s: float) -> Glimpse:
        """Return the depth image alone at a time of the movement, five times as fast."""
        pose, surfaces = self._surfaces(t_s)
        stamp_ns = self.scenario.stamp_ns(t_s)
        depth = self._measured(self._scene.depth(surfaces))
        return Glimpse(depth, self.keypoints(pose, stamp_ns), self.pelvis(pose, stamp_ns))

    def _surfaces(self, t_s: float) -> tuple[Pose, list[NDArray[np.float64]]]:
        """Return the pose and the skins of the patient and of whoever else is there."""
        pose, breath = self.patient.at(t_s)
        own = self._dressed.body.skin(pose, breath=breath)
        return pose, [own, *(walker.surface(t_s) for walker in self.staging.walkers)]

    def _measured(self, seen: DepthFrame) -> NDArray[np.uint16]:
        return self._clipped(self.rgbd.measure_depth(seen.depth_m, seen.reflectance))

    def _exposed(self, staging: Staging) -> Preset:
        """Return the camera, exposed as dark as the scene asks."""
        kind = staging.kind
        if staging.mean_grey is None:
            return kind
        exposure = (staging.mean_grey / self._scene.mean_grey) ** 2
        return replace(kind, colour=replace(kind.colour, exposure=exposure))

    def _clipped(self, depth_mm: NDArray[np.uint16]) -> NDArray[np.uint16]:
        limit_mm = 1000.0 * self.scenario.max_depth_m
        return np.where(depth_mm > limit_mm, np.uint16(0), depth_mm) if limit_mm else depth_mm

    def keypoints(self, pose: Pose, stamp_ns: int) -> BodyPose:
        """Return the true keypoints of a pose, with no regard to what covers them."""
        return truth.keypoints(
            self.patient.body, pose, self.patient.posture, self.camera,
            stamp_ns=stamp_ns, frame_id=FRAME_ID,
        )  # fmt: skip

    def pelvis(self, pose: Pose, stamp_ns: int) -> PelvisState:
        """Return the true pelvis of a pose."""
        return self._pelvis.at(pose, stamp_ns, FRAME_ID)

    def _box(self, surface: NDArray[np.float64]) -> tuple[float, float, float, float]:
        optical = self.camera.to_optical(surface)
        pixel = self.camera.project(optical[optical[:, 2] > 0.05])
        if not len(pixel):
            return 0.0, 0.0, 0.0, 0.0
        limit = np.array([self.camera.width, self.camera.height]) - 0.5
        low, high = (np.clip(p, -0.5, limit) for p in (pixel.min(axis=0), pixel.max(axis=0)))
        return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def _drawn_view(
    rng: np.random.Generator,
    points_m: NDArray[np.float64],
    kind: Preset,
    room: Room,
    posture: Posture,
) -> Camera:
    """Draw a camera, in the room if it is large enough."""
    try:
        return sample_view(rng, points_m, kind, room, posture=posture)
    except InputError:  # a small room: its walls make way
        return sample_view(rng, points_m, kind, posture=posture)


def _habit(draws: Draws) -> Habit:
    return Habit(
        knee_angle_rad=float(np.radians(draws.uniform(82.0, 108.0))),
        stance_m=draws.uniform(0.0, 0.06),
        toe_out_rad=float(np.radians(draws.uniform(0.0, 16.0))),
        arm_out_rad=float(np.radians(draws.uniform(14.0, 38.0))),
    )
