"""Colour alone: what the image shows is believed before what a network makes of it."""

from dataclasses import replace

import numpy as np
import pytest
from people import CAMERA, skeleton

from lbp_rehab.pose.answer import LANDMARK_NOISE, onto_rays
from lbp_rehab.pose.lift import Lifted
from lbp_rehab.pose.skeleton import HIPS, INDEX, NAMES

N = len(NAMES)
PERSON = skeleton((159.5, 119.5))
REGION = PERSON.next_region
OFF = np.array([25.0, -10.0])
MIRROR = [NAMES.index({"l_": "r_", "r_": "l_"}.get(n[:2], n[:2]) + n[2:]) for n in NAMES]


def lifted(pixel, z=2.0):
    rays = CAMERA.rays(pixel)
    distance = z + 0.1 * np.sin(np.arange(N))
    position = np.vstack([rays * distance[:, None], np.tile(rays[HIPS].mean(axis=0) * z, (4, 1))])
    none = np.zeros(37)
    return Lifted(position, np.eye(3) * np.full(37, 0.2)[:, None, None] ** 2, none, none,
                  np.zeros(37, bool))  # fmt: skip


def test_an_answer_that_agrees_with_the_landmarks_stays():
    one = lifted(PERSON.pixel + 1.0)
    assert onto_rays(one, PERSON, REGION, CAMERA) is one


def test_one_that_lies_elsewhere_is_moved_onto_their_rays():
    one = lifted(PERSON.pixel + OFF)
    two = onto_rays(one, PERSON, REGION, CAMERA)
    np.testing.assert_allclose(CAMERA.project(two.position[:N]), PERSON.pixel, atol=1e-9)
    np.testing.assert_allclose(two.position[:N, 2], one.position[:N, 2])
    moved = (two.position - one.position)[HIPS].mean(axis=0)
    np.testing.assert_allclose((two.position - one.position)[N:], np.tile(moved, (4, 1)))
    # As unsure along the ray as before, as sure across it as landmarks are.
    k = INDEX["l_knee"]
    ray = two.position[k] / np.linalg.norm(two.position[k])
    assert ray @ two.covariance[k] @ ray == pytest.approx(0.2**2)
    across = np.cross(ray, [0.0, 1.0, 0.0])
    across /= np.linalg.norm(across)
    beside = LANDMARK_NOISE * REGION.size / CAMERA.fx * two.position[k, 2]
    assert across @ two.covariance[k] @ across == pytest.approx(beside**2)


def test_a_skeleton_that_cannot_be_true_is_not_believed():
    pixel = PERSON.pixel.copy()
    pixel[[INDEX["l_shoulder"], INDEX["r_shoulder"]]] = pixel[HIPS]
    one = lifted(PERSON.pixel + OFF)
    assert onto_rays(one, replace(PERSON, pixel=pixel), REGION, CAMERA) is one


def test_nobody_changes_left_and_right_from_image_to_image():
    one = lifted(PERSON.pixel + OFF)
    turned = replace(PERSON, pixel=PERSON.pixel[MIRROR])
    alone = onto_rays(one, turned, REGION, CAMERA)
    np.testing.assert_allclose(CAMERA.project(alone.position[:N]), turned.pixel, atol=1e-9)
    followed = onto_rays(one, turned, REGION, CAMERA, PERSON.pixel)
    np.testing.assert_allclose(CAMERA.project(followed.position[:N]), PERSON.pixel, atol=1e-9)
