import math

import numpy as np
import pytest

from lbp_rehab.compare.fields import Moment, Rotation
from lbp_rehab.compare.tolerance import EXACT, Deviation, Limit, chosen, deviation, load
from lbp_rehab.errors import InputError

NAN, INF = math.nan, math.inf
NOTHING = Limit()


def within(golden, new, limit=NOTHING, sigma=0.0):
    found = deviation(golden, new, sigma, limit)
    return found is None or found.within


def array(*values, kind=np.float64):
    return np.array(values, kind)


def turned(angle):
    return Rotation((math.sin(angle / 2), 0.0, 0.0, math.cos(angle / 2)))


@pytest.mark.parametrize(
    ("golden", "new", "limit", "good"),
    [
        (1.0, 1.0, NOTHING, True),
        (1.0, 1.0000000000000002, NOTHING, False),
        (1.0, 1.5, Limit(absolute=0.5), True),
        (1.0, 1.6, Limit(absolute=0.5), False),
        (100.0, 101.0, Limit(relative=0.01), True),
        (101.0, 100.0, Limit(relative=0.0098), False),
        (0.0, 1e-12, Limit(relative=0.5), False),
        (-100.0, -101.0, Limit(relative=0.01), True),
        (100.0, 101.0, Limit(relative=0.001, absolute=1.0), True),  # the widest counts
        (NAN, NAN, NOTHING, True),
        (NAN, 1.0, Limit(absolute=9.0, relative=9.0), False),
        (1.0, NAN, Limit(absolute=9.0), False),
        (INF, INF, NOTHING, True),
        (INF, -INF, Limit(relative=1.0), False),
        (INF, 1.0, Limit(relative=1.0), False),
        (1.0, INF, Limit(absolute=INF), False),
        (0.0, -0.0, NOTHING, True),
    ],
)
def test_a_number_is_within_any_of_its_limits(golden, new, limit, good):
    assert within(golden, new, limit) == good


def test_sigmas_are_those_that_the_golden_message_states():
    assert within(1.0, 1.2, Limit(sigmas=2.0), sigma=0.1)
    assert not within(1.0, 1.21, Limit(sigmas=2.0), sigma=0.1)
    assert not within(1.0, 1.0 + 1e-9, Limit(sigmas=2.0), sigma=0.0)
    assert within(3.1, -3.1, Limit(angle=0.0, sigmas=1.0), sigma=0.1)


@pytest.mark.parametrize("turns", [-2, -1, 0, 1])
def test_angles_wrap_at_a_full_turn(turns):
    limit = Limit(angle=0.02)
    assert within(math.pi - 0.01, -math.pi + 0.009 + turns * math.tau, limit)
    found = deviation(math.pi - 0.01, -math.pi + 0.05 + turns * math.tau, 0.0, limit)
    assert found.amount == pytest.approx(0.06)
    assert not within(math.pi - 0.01, -math.pi + 0.009, Limit(absolute=0.02))


def test_whole_numbers_are_exact_unless_a_rule_is_made_for_them():
    wide = Limit(absolute=5.0, relative=1.0)
    assert not within(3, 4, wide)
    assert within(3, 4, Limit(absolute=5.0, integers=True))
    assert not within(3, 9, Limit(absolute=5.0, integers=True))
    assert not within(True, False, Limit(absolute=5.0, integers=True))
    assert not within("a", "b", Limit(absolute=5.0, integers=True))


def test_whole_numbers_too_large_for_a_float_are_still_exact():
    assert not within(2**60, 2**60 + 1)
    assert not within(array(2**60, kind=np.int64), array(2**60 + 1, kind=np.int64))
    lowest, highest = array(-(2**63), kind=np.int64), array(2**63 - 1, kind=np.int64)
    assert deviation(lowest, highest, 0.0, NOTHING).amount == pytest.approx(2.0**64)
    bytes_ = deviation(array(3, kind=np.uint8), array(250, kind=np.uint8), 0.0, NOTHING)
    assert bytes_ == Deviation(247.0, 0.0)


def test_times_are_exact_unless_a_rule_is_made_for_them():
    assert not within(Moment(10), Moment(11), Limit(absolute=1.0))
    assert within(Moment(0), Moment(10**8), Limit(absolute=0.1, integers=True))
    assert not within(Moment(0), Moment(10**8 + 1), Limit(absolute=0.1, integers=True))


@pytest.mark.parametrize(
    ("golden", "new", "limit", "good"),
    [
        (array(), array(), NOTHING, True),
        (array(1.0, NAN), array(1.0, NAN), NOTHING, True),
        (array(1.0, NAN), array(1.0, 2.0), Limit(absolute=9.0), False),
        (array(INF, 1.0), array(INF, 1.05), Limit(absolute=0.1), True),
        (array(INF, 1.0), array(-INF, 1.0), Limit(relative=1.0), False),
        (array(1.0, 100.0), array(1.0, 101.0), Limit(relative=0.01), True),
        (array(1.0, 100.0), array(1.5, 100.0), Limit(relative=0.01), False),
        (array(1.0), array(1.0, 1.0), Limit(absolute=9.0), False),
        (array(1, 2, kind=np.int32), array(1, 3, kind=np.int32), Limit(absolute=9.0), False),
        (array(1, 2, kind=np.int32), array(1, 3, kind=np.int32),
         Limit(absolute=1.0, integers=True), True),
        (array(1, kind=np.int32), array(1.0), NOTHING, True),
        (array(math.pi, 0.0), array(-math.pi, 0.01), Limit(angle=0.011), True),
        (array(math.pi, 0.0), array(-math.pi, 0.01), Limit(angle=0.009), False),
        (array(1.0), array(INF), Limit(absolute=INF), False),
        (array(True, False, kind=np.bool_), array(True, True, kind=np.bool_), NOTHING, False),
        (array(1.0), "1.0", Limit(absolute=9.0), False),
    ],
)  # fmt: skip
def test_arrays_are_held_against_each_other_element_by_element(golden, new, limit, good):
    assert within(golden, new, limit) == good


def test_of_an_array_the_element_that_is_furthest_over_its_limit_is_told():
    found = deviation(array(1000.0, 1.0), array(1005.0, 1.1), 0.0, Limit(relative=0.01))
    assert found.amount == pytest.approx(0.1)
    assert found.allowed == pytest.approx(0.01)
    assert found.excess == pytest.approx(10.0)


def test_a_rotation_and_its_negative_are_the_same():
    q = Rotation((0.1, 0.2, 0.3, 0.9))
    assert within(q, Rotation(tuple(-v for v in q.xyzw)), Limit(angle=1e-12))
    assert within(q, Rotation(tuple(3 * v for v in q.xyzw)), Limit(angle=1e-7))


@pytest.mark.parametrize("angle", [1e-9, 1e-3, 1.0, math.pi])
def test_rotations_differ_by_the_angle_between_them(angle):
    assert deviation(turned(0.5), turned(0.5 + angle), 0.0, NOTHING).amount == pytest.approx(
        angle, rel=1e-6
    )


def test_what_is_no_rotation_differs_from_all_but_itself():
    nothing, broken = Rotation((0.0,) * 4), Rotation((NAN, 0.0, 0.0, 1.0))
    assert within(nothing, nothing)
    assert within(broken, Rotation((float("nan"), 0.0, 0.0, 1.0)))
    assert not within(turned(0.0), nothing, Limit(angle=9.0))
    assert not within(turned(0.0), broken, Limit(angle=9.0))


def test_values_of_different_kinds_differ_unless_they_are_equal_numbers():
    assert within(1, 1.0)
    assert not within(True, 1)
    assert not within("1", 1, Limit(absolute=9.0))
    assert not within(Moment(1), 1e-9, Limit(absolute=9.0, integers=True))


def rules(tmp_path, text):
    path = tmp_path / "t.yaml"
    path.write_text(text)
    return load(path)


def test_the_first_rule_that_fits_counts_and_the_default_otherwise(tmp_path):
    found = rules(
        tmp_path,
        """
default: {absolute: 0.5}
fields:
  - {topic: "/a", field: "*.value", absolute: 1}
  - {topic: "/a", field: "*", absolute: 2.0}
  - {field: "x", ignore: true}
topics:
  - {topic: "/a*", missing: 0.1}
  - {topic: "*", extra: 0.2}
""",
    )
    assert found.of_field("/a", "tilt.value").absolute == 1.0
    assert found.of_field("/a", "tilt.sigma").absolute == 2.0
    assert found.of_field("/b", "x").ignore
    assert found.of_field("/b", "y") == Limit(absolute=0.5)
    assert (found.of_topic("/ab").missing, found.of_topic("/ab").extra) == (0.1, 0.0)
    assert found.of_topic("/b").extra == 0.2


def test_brackets_belong_to_a_fields_name(tmp_path):
    found = rules(tmp_path, 'fields: [{field: "keypoints[l_*].position.?", absolute: 1}]')
    assert found.of_field("/p", "keypoints[l_hip].position.x").absolute == 1.0
    assert found.of_field("/p", "keypoints[r_hip].position.x").absolute == 0.0
    assert found.of_field("/p", "keypointsl.position.x").absolute == 0.0


def test_a_rule_for_a_field_counts_for_whole_numbers_and_the_default_does_not(tmp_path):
    found = rules(tmp_path, "default: {absolute: 2}\nfields: [{field: n, absolute: 2}]")
    assert within(3, 4, found.of_field("/a", "n"))
    assert not within(3, 4, found.of_field("/a", "m"))


def test_a_number_may_be_written_as_people_write_it(tmp_path):
    assert rules(tmp_path, "default: {absolute: 1e-5}").default.absolute == 1e-5


def test_an_empty_file_allows_nothing(tmp_path):
    found = rules(tmp_path, "# nothing\n")
    assert found.default == Limit()
    assert not found.of_topic("/rosout").ignore


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[1, 2]", "a tolerance file has 'default', 'topics' and 'fields'"),
        ("field: []", "a tolerance file has 'default', 'topics' and 'fields'"),
        ("default: 5", "'5' is no rule"),
        ("default: {absolut: 1}", "a rule has no 'absolut', but absolute"),
        ("default: {integers: true}", "a rule has no 'integers'"),
        ("default: {absolute: -1}", "absolute: '-1' is not a number from 0 on"),
        ("default: {absolute: .nan}", "absolute: 'nan' is not a number from 0 on"),
        ("default: {absolute: yes}", "absolute: 'True' is not a number from 0 on"),
        ("default: {absolute: much}", "absolute: 'much' is not a number from 0 on"),
        ("default: {absolute: [1]}", "absolute: '[1]' is not a number from 0 on"),
        ("default: {ignore: 1}", "ignore: '1' is not true or false"),
        ("fields: 5", "'fields' is a list of rules"),
        ("fields: {topic: /a}", "'fields' is a list of rules"),
        ("topics: true", "'topics' is a list of rules"),
        ("fields: [/a]", "'/a' is no rule"),
        ("fields: [{topic: [/a, /b]}]", "topic: '['/a', '/b']' is no name"),
        ("topics: [{topic: /a, absolute: 1}]", "a rule has no 'absolute', but"),
        ("default: {absolute: 1", "cannot read the tolerances"),
        ("default: !!python/object:os.system {}", "cannot read the tolerances"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_file_is_one_sentence_that_names_it(text, sentence, tmp_path):
    with pytest.raises(InputError) as error:
        rules(tmp_path, text)
    assert sentence in str(error.value)
    assert "t.yaml" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_is_not_there_or_not_text_is_one_sentence(tmp_path):
    with pytest.raises(InputError, match="cannot read the tolerances"):
        load(tmp_path / "nowhere.yaml")
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="cannot read the tolerances"):
        load(tmp_path / "binary.yaml")


def test_ours_leave_room_for_rounding_and_for_nothing_else():
    ours = chosen(None, exact=False)
    tilt = ours.of_field("/pelvis/state", "tilt_relative.value")
    assert within(math.pi - 1e-6, -math.pi, tilt)
    assert not within(0.0, math.radians(0.1), tilt)
    assert ours.of_field("/body/markers", "markers[a].pose.orientation").angle == 1e-5
    score = ours.of_field("/quality/repetition", "score.value")
    assert within(80.0, 80.0001, score)
    assert not within(80.0, 80.01, score)
    assert not within(3, 4, ours.of_field("/quality/repetition", "index"))
    assert ours.of_topic("/p1/quality/repetition").pair_within_s == 1.5
    assert ours.of_topic("/rosout").ignore


def test_exact_pairs_and_ignores_as_ours_do():
    ours, exact = chosen(None, exact=False), chosen(None, exact=True)
    assert exact is EXACT
    for topic in ("/rosout", "/parameter_events", "/quality/repetition", "/feedback/cue",
                  "/session/state", "/exercise/recognition", "/body/pose"):  # fmt: skip
        assert ours.of_topic(topic) == exact.of_topic(topic)
    assert not within(1.0, 1.0 + 1e-15, exact.of_field("/body/pose", "x"))
