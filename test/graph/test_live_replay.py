"""A bag played into running nodes at rate 1 gives what the lockstep replay of it gives."""

import subprocess
import sys
from pathlib import Path

import pytest

from lbp_rehab.bags import BagReader
from lbp_rehab.bags.play import Selection
from lbp_rehab.compare import tolerance
from lbp_rehab.compare.comparison import compare
from lbp_rehab.paths import config_dir, resource_dir
from lbp_rehab.replay.jobs import Job, run

SAMPLE = resource_dir() / "sample" / "glute_bridge"
LIVE = config_dir() / "tolerances_live.yaml"


@pytest.mark.graph
@pytest.mark.slow
def test_live_replay_agrees_with_lockstep(ros_domain, tmp_path):
    """Of the sEMG: images take more than a small machine has, which then leaves some out."""
    params = tmp_path / "p.yaml"
    params.write_text(
        "player:\n  ros__parameters: {exclude: [/camera/.*, /truth/.*], end_s: 6.0}\n"
    )
    live, lockstep = tmp_path / "live", tmp_path / "lockstep"
    result = subprocess.run(
        [sys.executable, "-m", "lbp_rehab.cli", "run", "--camera", "none", "--emg", "topic",
         "--play", str(SAMPLE), "--mute", "--params", str(params), "--record", str(live)],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    selection = Selection(exclude=("/camera/.*",), end_s=6.0)
    assert not run(Job("lockstep", SAMPLE, selection=selection, output=lockstep)).error
    with BagReader(lockstep) as golden, BagReader(live) as new:
        topic = "/emg/activation"
        assert golden.counts[topic] > 200
        found = compare(golden, new, tolerance.load(Path(LIVE)), topics=[topic])
    assert found.passed, found.sentences
