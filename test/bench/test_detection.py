import numpy as np
import pytest

from lbp_rehab.bench.detection import COCO_INDEX, COCO_SIGMA, Detections, similarity
from lbp_rehab.pose.skeleton import NAMES

AREA = np.array([9000.0])
TRUE = np.random.default_rng(1).uniform(20, 100, (1, 17, 2))
YES = np.ones((1, 17), bool)


def found(oks, score=None, answered=None, present=None, ignored=None):
    n = len(oks)
    return Detections(
        np.array(oks, float),
        np.ones(n) if score is None else np.array(score, float),
        np.ones(n, bool) if answered is None else np.array(answered),
        np.ones(n, bool) if present is None else np.array(present),
        np.zeros(n, bool) if ignored is None else np.array(ignored),
    )


def test_points_are_the_seventeen_of_coco():
    names = [NAMES[k] for k in COCO_INDEX]
    assert names[:3] == ["nose", "l_eye", "r_eye"]
    assert names[-1] == "r_ankle"
    assert len(set(names)) == 17


def test_similarity_of_one_point_off_is_coco_s_formula():
    pixel = TRUE.copy()
    pixel[0, 5] += [12.0, 5.0]  # 13 px at the left shoulder
    expected = (16 + np.exp(-(13.0**2) / (2 * AREA[0] * (2 * COCO_SIGMA[5]) ** 2))) / 17
    assert similarity(pixel, TRUE, YES, YES, AREA) == pytest.approx([expected])


def test_a_point_that_was_not_located_counts_as_wrong_and_an_unlabelled_one_not_at_all():
    located, labelled = YES.copy(), YES.copy()
    located[0, :4] = False
    assert similarity(TRUE, TRUE, located, YES, AREA) == pytest.approx([13 / 17])
    labelled[0, :4] = False
    assert similarity(TRUE, TRUE, located, labelled, AREA) == pytest.approx([1.0])


def test_average_precision_of_perfect_answers_is_one():
    assert found([0.9, 0.8, 0.6]).average_precision(0.5) == pytest.approx(1.0)
    assert found([0.9, 0.8, 0.6]).average_precision(0.75) == pytest.approx(67 / 101)


def test_a_missed_person_costs_recall():
    result = found([0.9, 0.0], answered=[True, False])
    # Recall reaches one half: recalls 0.00 to 0.50 have precision 1, the other 50 of 101 none.
    assert result.average_precision(0.5) == pytest.approx(51 / 101)
    assert (result.missed(0.5), result.false(0.5)) == (1, 0)


def test_a_sure_answer_on_the_wrong_person_costs_precision_everywhere():
    result = found([0.1, 0.9], score=[0.99, 0.5])
    # The best precision at any recall up to one half is 1 of 2.
    assert result.average_precision(0.5) == pytest.approx(0.5 * 51 / 101)
    assert (result.missed(0.5), result.false(0.5)) == (1, 1)


def test_an_answer_where_nobody_is_is_false_and_nobody_is_missed():
    result = found([0.0, 0.9], present=[False, True], score=[0.1, 0.9])
    assert (result.missed(0.5), result.false(0.5)) == (0, 1)
    assert result.average_precision(0.5) == pytest.approx(1.0)
    assert found([0.0], present=[False]).average_precision(0.5) is None


def test_an_answer_on_a_patient_without_a_labelled_point_is_neither_right_nor_false():
    result = found([0.0, 0.9], present=[False, True], ignored=[True, False], score=[0.99, 0.5])
    assert (result.missed(0.5), result.false(0.5)) == (0, 0)
    assert result.average_precision(0.5) == pytest.approx(1.0)


def test_a_frame_that_counts_twice_is_as_good_as_two_frames():
    result = found([0.9, 0.1, 0.8], score=[0.5, 0.6, 0.7])
    twice = found([0.9, 0.9, 0.8], score=[0.5, 0.5, 0.7])
    weighted = result.average_precision(0.5, np.array([2.0, 0.0, 1.0]))
    assert weighted == twice.average_precision(0.5)
    assert result.average_precision(0.5, np.ones(3)) == result.average_precision(0.5)
