from lbp_rehab.bench.damage import SAMPLES, run


def test_every_readable_message_of_damaged_bags_is_recovered_and_every_loss_said(tmp_path):
    outcome = run(bags=20 * len(SAMPLES), seed=7, folder=tmp_path, show=False)
    assert outcome.failures == []
    assert outcome.recovered == outcome.readable
    # The damage leaves neither everything nor nothing.
    assert 0.2 < outcome.readable / outcome.messages < 0.8
