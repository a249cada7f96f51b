"""One real channel of the back at 250 Hz."""

from pathlib import Path

import numpy as np
import pytest

from lbp_rehab.emg.activation import EmgPipeline, PipelineSettings
from lbp_rehab.emg.sources import open_source

FOLDER = Path(__file__).parents[2] / ".." / "shared" / "data" / "emg_back"
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="the real recordings are not here")


def envelopes(name, start_ns):
    source = open_source(f"file:{FOLDER / name}?unit=V", 0.04)
    source.open(start_ns)
    assert source.rate_hz == pytest.approx(250)
    pipeline = EmgPipeline(PipelineSettings())
    result = []
    while (chunk := source.read(start_ns + 10**12)) is not None:
        result += pipeline.process(chunk)
    assert "112.5 Hz" in pipeline.notes[0]
    return result


def known_values(result):
    known = [a.muscles[0] for a in result if a.muscles[0].envelope.known]
    assert len(known) > 0.9 * len(result)
    return np.array([m.envelope.value for m in known]), {m.since_ns for m in known}


def test_lifts_stand_out_of_the_pauses_between_them(start_ns):
    # Against its own pauses: the resting file is another recording with a larger background.
    values, changes = known_values(envelopes("Back_lifting.csv.gz", start_ns))
    assert np.quantile(values, 0.9) > 3 * np.quantile(values, 0.1)
    assert len(changes) > 20


def test_rest_is_rest(start_ns):
    # Twice the person moves, as the raw signal below 15 Hz shows.
    result = envelopes("Back_resting.csv.gz", start_ns)
    values, _ = known_values(result)
    assert np.quantile(values, 0.9) < 3 * np.quantile(values, 0.1)
    assert np.mean([a.muscles[0].active for a in result]) < 0.02
