import pickle
from collections import Counter

import numpy as np
import pytest

pytest.importorskip("numba")

from lbp_rehab.synthetic.draws import Split
from lbp_rehab.synthetic.emg.cases import CONDITIONS, FAULTY, KINDS, STRONG, emg_cases
from lbp_rehab.synthetic.emg.tasks import RAPID
from lbp_rehab.synthetic.motion.programs import PROGRAMS


def test_recordings_have_a_trial_first_and_true_bursts():
    case = pickle.loads(pickle.dumps(emg_cases(0, 1)[0]))
    trial, chunks = list(case.mvc_chunks), list(case.chunks)
    assert trial[-1].end_ns <= chunks[0].stamp_ns + 1
    assert case.activation.shape == (len(case.stamps_ns), 12)
    assert all(chunks[0].stamp_ns <= b.on_ns < b.off_ns for b in case.bursts)
    assert all(b.height > 0.02 - 1e-3 for b in case.bursts)
    assert np.ptp(case.activation) > 0.05
    assert case.spoiled == []
    assert case.tiring == ()


def test_kinds_conditions_exercises_and_mains_are_shared_out():
    made = emg_cases(0, 52)
    assert Counter(c.kind for c in made) == {"exercise": 26, RAPID: 13, "tiring": 13}
    own = Counter(c.exercise for c in made if c.kind == "exercise")
    assert own == dict.fromkeys(PROGRAMS, 2)
    for kind in set(KINDS):
        assert {c.condition for c in made if c.kind == kind} == set(CONDITIONS)
    assert {c.condition for c in made[:4]} == set(CONDITIONS)
    assert 10 < sum(c.mains_hz == 60.0 for c in made) < 42
    offsets = np.array([c.electrodes.mains_offset_hz for c in made])
    assert (np.abs(offsets) <= 0.1).all()
    assert np.ptp(offsets) > 0.1
    for c in made:
        assert 1e-6 <= c.electrodes.noise_v <= 4e-6
        assert (c.electrodes.random_faults > 0) == (c.condition == FAULTY)
        assert (c.electrodes.mains >= 2.0) == (c.condition == STRONG)
    assert len({c.name for c in made}) == 52


def test_tuning_and_testing_share_no_person():
    test, train = emg_cases(0, 12), emg_cases(0, 12, Split.TRAIN)
    assert {c.source.split for c in test} == {Split.TEST}
    assert {c.source.split for c in train} == {Split.TRAIN}
    assert not {c.seed for c in test} & {c.seed for c in train}
    assert [c.source for c in emg_cases(0, 12)] == [c.source for c in test]


def test_rapid_bursts_know_when_the_drive_began():
    case = next(c for c in emg_cases(0, 4) if c.kind == RAPID)
    late = np.array([b.on_ns - b.start_ns for b in case.bursts]) / 1e9
    assert ((late > 0.0) & (late < 0.1)).all()
    assert len(case.bursts) == 12 * 14
    exercise = emg_cases(0, 1)[0]
    assert all(b.start_ns == 0 for b in exercise.bursts)


def test_faulty_recordings_tell_what_is_wrong_when():
    case = next(c for c in emg_cases(1, 12) if c.condition == FAULTY)
    assert 3 <= len(case.spoiled) <= 5
    for fault in case.spoiled:
        assert fault.event_ns[0] < fault.event_ns[1]
        for a, b in fault.spans_ns:
            assert fault.event_ns[0] <= a < b <= fault.event_ns[1]


def test_tiring_sets_tell_the_median_frequency_of_every_channel():
    case = next(c for c in emg_cases(0, 8) if c.kind == "tiring")
    assert len(case.tiring) == 12
    fall = np.array([t.median_hz[0] - t.median_hz[-1] for t in case.tiring])
    assert (fall > 3.0).sum() >= 4
    assert (fall < 1.0).sum() >= 4


def test_electrodes_hear_their_neighbours():
    case = emg_cases(0, 8)[3]
    person = case._stream.electrodes
    own = {label: [b for b in case.bursts if b.label == label] for label in case.labels}
    for k, label in enumerate(case.labels):
        heard_s = sum(b - a for y, a, b in case.picked_up if y == label) / 1e9
        worked_s = sum(b.off_ns - b.on_ns for b in own[label]) / 1e9
        assert heard_s >= 0.99 * worked_s
        # Alone among muscles at rest, the loudest neighbour is heard while it makes 2 %.
        strength = person.mixing[k] * person.mvc_rms_v / person.mvc_rms_v[k]
        strength[k] = 0.0
        loudest = int(np.argmax(strength * case.activation.max(axis=0)))
        loud = strength[loudest] * (case.activation[:, loudest] - 0.036) > 0.02
        assert heard_s >= 0.95 * loud.mean() * (case.stamps_ns[-1] - case.stamps_ns[0]) / 1e9
