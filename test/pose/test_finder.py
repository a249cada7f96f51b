from dataclasses import replace

import numpy as np
import pytest
from people import CAMERA, OVERHEAD, lying_on_the_floor, skeleton

from lbp_rehab.camera.types import RgbdFrame
from lbp_rehab.estimate import Estimate
from lbp_rehab.pose.blazepose import Detector, LandmarkModel
from lbp_rehab.pose.finder import (
    DARK_MEAN,
    DETECTOR_RUNS,
    Finder,
    brightened,
)
from lbp_rehab.pose.landmarks import Person, Region, region_round
from lbp_rehab.pose.types import Support


class World:
    """A detector and a landmark model that know where people are.

    The detector overlooks everybody in ``hidden`` and those who are painted over; the model sees
    whoever is nearest, if the region is turned within half a radian and of about the right size.
    """

    def __init__(self, people, hidden=()):
        self.people, self.hidden = people, hidden
        self.regions, self.detections = [], 0

    def detector(self, image):
        self.detections += 1
        found = []
        for person in self.people:
            column, row = person.pixel[[23, 24]].mean(axis=0).astype(int)
            marked = 0 <= row < image.shape[0] and 0 <= column < image.shape[1]
            if marked and image[row, column, 0] > 200 and not any(person is h for h in self.hidden):
                found.append(
                    Person(np.zeros(4), np.zeros(2), np.ones(2), region_round(person.pixel), 0.9)
                )
        return found

    def model(self, _image, region):
        self.regions.append(region)
        for person in self.people:
            own = region_round(person.pixel)
            apart = np.hypot(*(np.array(own.centre) - region.centre))
            turned = abs(np.angle(np.exp(1j * (own.rotation - region.rotation))))
            if apart < 0.2 * own.size and turned < 0.5 and 0.6 < region.size / own.size < 1.6:
                return person
        return None

    def frame(self, depth=None):
        image = np.full((240, 320, 3), 100, np.uint8)
        for person in self.people:
            column, row = person.pixel[[23, 24]].mean(axis=0).astype(int)
            image[row - 3 : row + 4, column - 3 : column + 4] = 255
        return RgbdFrame(1, "camera", image, depth, CAMERA)


def test_a_bright_image_is_not_copied_and_a_dark_one_becomes_bright():
    rng = np.random.default_rng(0)
    bright = rng.integers(60, 200, (240, 320, 3)).astype(np.uint8)
    assert brightened(bright) is bright
    dark = (bright // 6).astype(np.uint8)
    assert dark.mean() < DARK_MEAN
    assert abs(float(brightened(dark).mean()) - 170) < 40
    assert brightened(np.zeros((240, 320, 3), np.uint8)).max() == 0


def test_the_detected_and_the_overlooked_person_are_both_found():
    patient, therapist = skeleton((220.0, 150.0), turn=1.4), skeleton((70.0, 100.0))
    world = World([therapist, patient], hidden=[patient])
    depth = lying_on_the_floor(patient, therapist)
    finder = Finder(world.detector, world.model)
    found = finder.find(world.frame(depth), OVERHEAD)
    while not finder.complete:
        found = finder.find(world.frame(depth), OVERHEAD)
    assert {id(c.landmarks) for c in found} == {id(patient), id(therapist)}
    # The trunk's surface rises to 0.3 m, its middle is a tenth lower.
    for candidate in found:
        assert candidate.on_support is True
        assert 0.05 < candidate.height_m < 0.2


def test_somebody_overlooked_stands_out_without_a_plane_too():
    patient = skeleton((160.0, 120.0), turn=-1.0)
    world = World([patient], hidden=[patient])
    finder = Finder(world.detector, world.model)
    depth = lying_on_the_floor(patient)
    found = finder.find(world.frame(depth))
    while not finder.complete:
        found = finder.find(world.frame(depth))
    assert [c.landmarks for c in found] == [patient]
    assert found[0].on_support is None


def test_the_budget_holds_and_the_next_call_goes_on():
    patient = skeleton((160.0, 120.0), turn=np.pi - 0.3)
    world = World([patient], hidden=[patient])
    finder = Finder(world.detector, world.model)
    frame = world.frame(lying_on_the_floor(patient))
    calls = 0
    found = []
    while not found:
        before = len(world.regions)
        detected = world.detections
        found = finder.find(frame, OVERHEAD, budget=1)
        assert len(world.regions) - before <= 1
        assert world.detections - detected <= DETECTOR_RUNS
        calls += 1
        assert calls < 20
    assert calls > 1
    assert len({(r.centre, r.size, r.rotation) for r in world.regions}) == len(world.regions)


def test_nobody_is_found_in_an_empty_room_and_the_search_ends():
    world = World([])
    finder = Finder(world.detector, world.model)
    assert finder.find(world.frame(np.full((240, 320), 2000, np.uint16)), OVERHEAD) == []
    for _ in range(5):
        finder.find(world.frame(), OVERHEAD)
    assert world.regions == []


def test_one_person_seen_twice_is_one_candidate():
    patient = skeleton((160.0, 120.0))
    twin = replace(patient, pixel=patient.pixel + 4.0, presence=0.7)
    world = World([patient, twin])
    found = Finder(world.detector, world.model).find(world.frame())
    assert [c.landmarks for c in found] == [patient]


def test_a_census_sees_the_other_person_with_one_run_each():
    patient, therapist = skeleton((240.0, 120.0)), skeleton((70.0, 120.0))
    world = World([patient, therapist])
    found = Finder(world.detector, world.model).census(world.frame(), patient)
    assert [c.landmarks for c in found] == [therapist]
    assert (world.detections, len(world.regions)) == (1, 1)


def test_who_stands_on_a_lower_floor_is_not_on_the_support():
    # A camera that looks along the bed: up is -y, the bed 0.2 m under the camera, her feet lower.
    level = Support(np.array([0.0, -1.0, 0.0]), 0.01, Estimate(0.2, 0.01))
    standing = skeleton((160.0, 110.0))
    world = World([standing])
    depth = np.full((240, 320), 2000, np.uint16)
    assert (
        Finder(world.detector, world.model).find(world.frame(depth), level)[0].on_support is False
    )
    floor = Support(level.up, 0.01, Estimate(0.85, 0.01))
    assert Finder(world.detector, world.model).find(world.frame(depth), floor)[0].on_support is True


@pytest.mark.parametrize("turn", [np.pi / 2, np.pi, -np.pi / 2])
def test_who_is_detected_only_in_a_turned_image_is_mapped_back_exactly(turn):
    patient = skeleton((140.0, 100.0), turn=turn)
    image = np.full((240, 320, 3), 100, np.uint8)
    (hip, shoulder) = (patient.pixel[[23, 24]].mean(axis=0), patient.pixel[[11, 12]].mean(axis=0))
    for value, (column, row) in ((255, hip), (0, shoulder)):
        image[round(row), round(column)] = value
    seen = []

    def detector(turned):
        (low_y, low_x), (high_y, high_x) = (
            np.argwhere(turned[:, :, 0] == value)[0] for value in (255, 0)
        )
        if not (high_y < low_y and abs(high_x - low_x) < 3):
            return []
        bottom, top = np.array([low_x, low_y], float), np.array([high_x, high_y], float)
        region = Region.from_points(bottom, bottom + 1.8 * (top - bottom))
        return [Person(np.array([*top, *bottom]), bottom, top, region, 0.9)]

    def model(_image, region):
        seen.append(region)

    finder = Finder(detector, model)
    for _ in range(6):
        finder.find(RgbdFrame(1, "camera", image, None, CAMERA))
        if finder.complete:
            break
    np.testing.assert_allclose(seen[0].centre, np.round(hip), atol=1e-9)
    assert abs(np.angle(np.exp(1j * (seen[0].rotation - turn)))) < 1e-9
    assert seen[0].size == pytest.approx(2.5 * 1.8 * 30.0)


def test_a_patient_in_a_rendered_scene_is_found_with_few_runs():
    pytest.importorskip("numba")
    from lbp_rehab.training.scenes import frames

    shown = next(frames(705019)).shown  # dark and from above: today's detector sees nobody
    finder = Finder(Detector(), LandmarkModel())
    found = finder.find(shown.frame, shown.pose.support)
    body = [11, 12, 23, 24, 25, 26]
    error = np.linalg.norm(found[0].landmarks.pixel[body] - shown.pose.pixel[body], axis=1)
    assert error.mean() < 0.05 * region_round(shown.pose.pixel[:33]).size
    assert found[0].on_support is True
    assert np.linalg.norm(found[0].position - shown.pose.position[[11, 12, 23, 24]].mean(0)) < 0.15
