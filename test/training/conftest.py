import importlib.util
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from lbp_rehab.pose.landmarks import Landmarks, Region
from lbp_rehab.synthetic.draws import Split

# The trunk of known shape that the tests of the pelvis have.
sys.path.insert(0, str(Path(__file__).parents[1] / "pelvis"))

SEED = 700_002


@pytest.fixture(scope="session")
def rendering():
    """Skips where people cannot be rendered or looked at."""
    if any(importlib.util.find_spec(name) is None for name in ("anny", "numba", "mediapipe")):
        pytest.skip("needs the extra synthetic and the files of mediapipe")


@dataclass
class Drawn:
    """A shard of one scene, and what it was made from, frame by frame."""

    path: Path
    rows: int
    frames: list
    regions: list[Region]
    found: list[Landmarks]
    examples: list[dict]


@pytest.fixture(scope="session")
def drawn(rendering, tmp_path_factory):
    """One burst of one scene, drawn as the training data are."""
    from lbp_rehab.training import dataset

    path = tmp_path_factory.mktemp("shards") / "train_700002.npz"
    kept = Drawn(path, 0, [], [], [], [])
    plain = dataset._example

    def keep(frame, region, found, rng):
        kept.frames.append(frame)
        kept.regions.append(region)
        kept.found.append(found)
        kept.examples.append(plain(frame, region, found, rng))
        return kept.examples[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dataset, "frames", partial(dataset.frames, bursts=1))
        patch.setattr(dataset, "_example", keep)
        kept.rows = dataset.make(dataset.Shard(SEED, 1, path, Split.TRAIN))
    return kept


@pytest.fixture(scope="session")
def batch(drawn):
    """The burst as tensors, shape (1, BURST_FRAMES, ...)."""
    pytest.importorskip("torch")
    import numpy as np

    from lbp_rehab.training.batches import KEYS, Bursts

    return Bursts([drawn.path], KEYS).take(np.array([0]))


@pytest.fixture(scope="session")
def small():
    """The size of a lifter that learns and runs at once."""
    from lbp_rehab.training.lifter import LifterSize

    return LifterSize(width=32, heads=2, layers=2, channels=(8, 8, 16))


@pytest.fixture
def one_thread():
    """Makes what torch computes and draws the same on every machine."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    yield
    torch.set_num_threads(threads)
