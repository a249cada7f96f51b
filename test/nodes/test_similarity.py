"""The scorer over real DDS compares the repetitions that it has scored."""

import pytest
from performed import messages, perform

from lbp_rehab import msg
from lbp_rehab.errors import InputError
from lbp_rehab.matching.matcher import demonstrations_path
from lbp_rehab.nodes.quality_scorer import QualityScorer
from lbp_rehab.synthetic.motion.movement import Fault

pytestmark = [pytest.mark.graph, pytest.mark.usefixtures("synthetic_extra")]
DONE = "quality/repetition"


def score(bench, example, **parameters):
    node = bench.start(QualityScorer, exercise=example.name, **parameters)
    bench.listen(node, quality_repetition=msg.Repetition)
    for pose, pelvis in messages(example.course):
        bench.publish("body/pose", pose)
        bench.publish("pelvis/state", pelvis)
    bench.until(lambda: len(bench.messages[DONE]) == len(example.made))
    return bench.messages[DONE]


def test_each_repetition_carries_both_similarities_and_a_fault_lowers_them(bench):
    example = perform("glute_bridge", 3, [Fault(3, "knees_fall_in", 1.0)])
    first, clean, faulty = score(bench, example)
    assert first.own_best_similarity.status == msg.Estimate.UNKNOWN
    assert first.own_best_similarity.reason == msg.Estimate.REASON_TOO_EARLY
    assert clean.own_best_similarity.status == msg.Estimate.MEASURED
    assert clean.own_best_similarity.value > 70.0
    assert clean.own_best_similarity.sigma > 0.0
    for name in ("own_best_similarity", "demonstration_similarity"):
        assert getattr(faulty, name).value < getattr(clean, name).value - 20.0
    assert first.similarity_left_out == []


def test_without_demonstrations_the_own_best_remains(bench):
    _, second = score(bench, perform("glute_bridge", 2), demonstrations="none")
    assert second.own_best_similarity.status == msg.Estimate.MEASURED
    assert second.demonstration_similarity.status == msg.Estimate.UNKNOWN
    assert second.demonstration_similarity.reason == msg.Estimate.REASON_MISSING_INPUT


def test_the_own_file_of_demonstrations_is_read_and_a_wrong_one_refused(bench, tmp_path):
    path = tmp_path / "mine.json"
    path.write_bytes(demonstrations_path().read_bytes())
    (only,) = score(bench, perform("glute_bridge", 1), demonstrations=str(path))
    assert only.demonstration_similarity.status == msg.Estimate.MEASURED
    with pytest.raises(InputError, match="cannot be read"):
        bench.start(QualityScorer, demonstrations=str(tmp_path / "none.json"))
