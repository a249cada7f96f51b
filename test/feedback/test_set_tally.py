from lbp_rehab.feedback.set_tally import SetTally

THRESHOLDS = (60.0, 75.0, 85.0, 95.0)


def tally(done=0):
    tally = SetTally()
    assert tally.enter("s1", 1, done)
    return tally


def test_complete_repetitions_are_counted_and_all_are_indexed():
    t = tally()
    for index, complete in enumerate((True, False, True), 1):
        t.add(index, complete, 80.0)
    assert (t.count, t.index) == (2, 3)


def test_the_grade_is_that_of_the_mean_over_complete_repetitions_with_a_score():
    t = tally()
    for index, (complete, score) in enumerate(
        [(True, 70.0), (True, 90.0), (False, 0.0), (True, None)], 1
    ):
        t.add(index, complete, score)
    assert t.grade(THRESHOLDS) == "good"
    assert t.grade((60.0, 75.0, 80.0, 95.0)) == "excellent"


def test_without_a_score_there_is_no_grade():
    t = tally()
    t.add(1, True, None)
    assert t.grade(THRESHOLDS) == ""


def test_a_set_begins_anew_with_another_number_and_not_with_the_same():
    t = tally()
    t.add(1, True, 80.0)
    assert not t.enter("s1", 1, 5)
    assert t.count == 1
    assert t.is_in("s1", 1)
    assert t.enter("s1", 2)
    assert (t.count, t.index, t.grade(THRESHOLDS)) == (0, 0, "")
    assert not t.is_in("s1", 1)


def test_who_comes_in_the_middle_goes_on_counting():
    t = tally(done=4)
    t.add(6, True, 80.0)
    assert (t.count, t.index) == (5, 6)


def test_an_index_that_falls_back_is_a_scorer_that_was_restarted():
    t = tally()
    t.add(1, True, 50.0)
    t.add(2, True, 50.0)
    t.add(1, True, 90.0)
    assert (t.count, t.grade(THRESHOLDS)) == (1, "excellent")


def test_a_set_that_is_over_is_not_ended_again():
    t = tally()
    t.over = True
    assert not t.is_in("s1", 1)
    assert not t.enter("s1", 1)
