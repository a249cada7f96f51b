import sys

import numpy as np
import pytest

from lbp_rehab.errors import InputError
from lbp_rehab.paths import resource_dir
from lbp_rehab.pelvis.surface_map import CHANNELS, COLUMNS, ROWS
from lbp_rehab.pose.network import Network

pytest.importorskip("onnxruntime")
PELVIS = resource_dir() / "models" / "pelvis.onnx"
MAP = (CHANNELS, ROWS, COLUMNS)
SHAPES = {
    "surface": MAP, "reference": MAP, "here": MAP, "joints": (11, 5), "others": (7,),
    "reference_joints": (11, 5), "reference_others": (7,), "trunk": (4, 3),
}  # fmt: skip
OUTPUTS = [(4,), (4, 4), (4,), (4, 4), (4, 3), (4,)]


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return {name: rng.uniform(0.0, 1.0, shape) for name, shape in SHAPES.items()}


@pytest.fixture(scope="module")
def network():
    return Network(PELVIS)


def test_outputs_come_without_the_batch_dimension(network):
    out = network(**inputs())
    assert [o.shape for o in out] == OUTPUTS
    assert all(o.dtype == np.float32 and np.isfinite(o).all() for o in out)


def test_inputs_go_by_name_in_any_order_and_layout(network):
    given = inputs()
    other = {k: np.asfortranarray(given[k]) for k in reversed(given)}
    other["something_else"] = np.zeros(3)
    for a, b in zip(network(**given), network(**other), strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_same_inputs_give_the_same_bits(network):
    first = [o.tobytes() for o in network(**inputs(3))]
    network(**inputs(4))
    assert [o.tobytes() for o in network(**inputs(3))] == first
    assert [o.tobytes() for o in Network(PELVIS)(**inputs(3))] == first


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"none\.onnx was not found"):
        Network(tmp_path / "none.onnx")


def test_a_file_that_is_no_network_is_refused(tmp_path):
    rubbish = tmp_path / "rubbish.onnx"
    rubbish.write_bytes(b"no network at all")
    with pytest.raises(InputError, match="is no network"):
        Network(rubbish)


def test_without_onnxruntime_the_user_is_told_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(InputError, match="pip install onnxruntime"):
        Network(PELVIS)
