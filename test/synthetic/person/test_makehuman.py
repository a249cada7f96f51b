import importlib.util
import subprocess
import sys
from dataclasses import fields

import numpy as np
import pytest

from lbp_rehab.errors import InputError
from lbp_rehab.synthetic.person import makehuman
from lbp_rehab.synthetic.person.makehuman_files import Files

# Bone heads, some vertices and the stature of anny 0.6.2 itself, metres.
MAN = {"gender": 0.0, "age": 0.7, "muscle": 0.3, "weight": 0.2, "height": 0.4}
WOMAN = {
    "gender": 1.0, "age": 0.9, "muscle": 0.8, "weight": 0.9, "height": 0.55, "proportions": 0.1
}  # fmt: skip
HEADS = {
    "root": ((0.0, -0.00241, 0.14062), (0.0, -0.02593, 0.21179)),
    "spine03": ((0.0, 0.02056, 0.3077), (0.0, -0.00078, 0.36126)),
    "neck01": ((0.0, -0.01238, 0.72125), (0.0, -0.03404, 0.7795)),
    "upperarm01.L": ((0.19649, -0.01728, 0.6147), (0.17988, -0.05164, 0.68136)),
    "wrist.R": ((-0.51596, -0.21325, 0.27527), (-0.50622, -0.24333, 0.34131)),
    "upperleg01.L": ((0.12062, 0.00856, 0.13353), (0.10511, -0.01852, 0.19378)),
    "foot.R": ((-0.20548, -0.00442, -0.74156), (-0.20123, -0.00896, -0.73292)),
    "eye.L": ((0.03049, -0.13153, 0.86264), (0.03184, -0.14802, 0.93865)),
}
VERTICES = {
    0: ((-0.03518, -0.1492, 0.86428), (-0.03567, -0.16645, 0.941)),
    5000: ((-0.2005, -0.21275, -0.79911), (-0.18878, -0.20419, -0.80183)),
    10000: ((0.36643, -0.06922, 0.43392), (0.36339, -0.11178, 0.49136)),
}
STATURE = (1.79661, 1.87569)


@pytest.fixture(scope="module")
def model(synthetic_extra):
    return makehuman.load()


def read_anew():
    return makehuman.load.__wrapped__()


def same(a, b):
    return all(
        np.array_equal(getattr(a.files, field.name), getattr(b.files, field.name))
        for field in fields(Files)
    )


@pytest.mark.parametrize("number", [0, 1])
def test_bodies_are_those_of_the_package(model, number):
    vertices, heads, _ = model.rest((MAN, WOMAN)[number])
    bones = list(model.files.bones)
    for bone, expected in HEADS.items():
        np.testing.assert_allclose(heads[bones.index(bone)], expected[number], atol=3e-5)
    for vertex, expected in VERTICES.items():
        np.testing.assert_allclose(vertices[vertex], expected[number], atol=3e-5)
    assert np.ptp(vertices[:, 2]) == pytest.approx(STATURE[number], abs=3e-5)


def test_weights_add_up_and_name_at_most_eight_bones(model):
    np.testing.assert_allclose(model.files.weights.sum(axis=1), 1.0, atol=1e-12)
    assert model.files.weights.shape[1] <= 8
    assert (np.diff(model.files.weights, axis=1) <= 0.0).all()


def test_surface_is_closed(model):
    edges = np.concatenate([model.files.faces[:, pair] for pair in ([0, 1], [1, 2], [2, 0])])
    _, counts = np.unique(np.sort(edges, axis=1), axis=0, return_counts=True)
    assert (counts == 2).all()


def test_second_reading_comes_from_one_small_file_and_is_the_same(model, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    first = read_anew()
    (path,) = (tmp_path / "lbp_rehab").iterdir()
    assert path.stat().st_size < 25e6
    before = path.stat().st_mtime_ns
    second = read_anew()
    assert path.stat().st_mtime_ns == before
    assert same(first, second)
    assert same(first, model)


def test_a_cut_file_is_made_anew(model, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    read_anew()
    (path,) = (tmp_path / "lbp_rehab").iterdir()
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert same(read_anew(), model)
    assert path.stat().st_size == len(whole)


def test_works_without_a_cache_folder(model, tmp_path, monkeypatch):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocked))
    assert same(read_anew(), model)


@pytest.mark.parametrize("wrong", [{"age": 0.3}, {"muscle": 1.2}, {"hieght": 0.5}])
def test_impossible_phenotypes_are_refused(model, wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        model.rest(wrong)


def test_what_to_install_is_said_where_the_extra_is_missing(monkeypatch):
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "numba" else real(name)
    )
    with pytest.raises(InputError, match=r"pip install 'lbp-rehab\[synthetic\]'"):
        makehuman.require_extra()


def test_modules_import_without_the_extra():
    code = (
        "import sys; sys.modules.update(dict.fromkeys(['numba', 'anny']))\n"
        "from lbp_rehab.errors import InputError\n"
        "from lbp_rehab.synthetic.person import body, people\n"
        "try:\n    people.sample(0)\nexcept InputError as error:\n    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert "needs anny and numba" in done.stdout
