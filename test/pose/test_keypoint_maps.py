import re
from pathlib import Path

import numpy as np
import pytest
import yaml

from lbp_rehab.errors import InputError
from lbp_rehab.pose.keypoint_maps import MEAN, STD, find_map, load_map, shipped_maps
from lbp_rehab.pose.skeleton import INDEX, NAMES

PAGE = Path(__file__).resolve().parents[2] / "docs" / "backends.md"
TRUNK = {"l_shoulder": 0, "r_shoulder": 1, "l_hip": 2, "r_hip": 3}


@pytest.fixture
def write(tmp_path):
    def _write(**content):
        path = tmp_path / "mine.yaml"
        path.write_text(yaml.safe_dump(content))
        return str(path)

    return _write


@pytest.mark.parametrize(
    ("name", "count", "known"),
    [("coco17", 17, 17), ("halpe26", 26, 21), ("coco_wholebody", 133, 21)],
)
def test_the_shipped_maps_keep_the_sides(name, count, known):
    found = load_map(name)
    assert found.count == count
    assert (found.source >= 0).sum() == known
    assert (found.mean, found.std, found.colour) == (MEAN, STD, "rgb")
    # Body points alternate between left and right in all of these, left first.
    for part in ("eye", "ear", "shoulder", "elbow", "wrist", "hip", "knee", "ankle"):
        assert found.source[INDEX[f"r_{part}"]] == found.source[INDEX[f"l_{part}"]] + 1


def test_the_feet_are_those_of_the_data_sets():
    feet = [INDEX[n] for n in ("l_toe", "r_toe", "l_heel", "r_heel")]
    assert load_map("halpe26").source[feet].tolist() == [20, 21, 24, 25]
    assert load_map("coco_wholebody").source[feet].tolist() == [17, 20, 19, 22]
    assert load_map("coco17").source[feet].tolist() == [-1, -1, -1, -1]


def test_a_model_finds_its_shipped_map_by_its_number_of_points():
    assert {find_map(load_map(n).count).name for n in shipped_maps()} == set(shipped_maps())
    with pytest.raises(InputError, match="gives 21 points"):
        find_map(21)


def test_everything_in_a_map_counts(write):
    found = load_map(
        write(
            count=5,
            keypoints={**TRUNK, "nose": 4},
            min_presence=0.6,
            input={
                "color": "bgr", "mean": [1, 2, 3], "std": [4, 5, 6], "padding": 1.1,
                "layout": "nhwc", "size": [192, 256],
            },
            output={
                "kind": "simcc", "simcc_split_ratio": 3, "places": "yx_unit", "score": "logit",
            },
        )
    )  # fmt: skip
    expected = np.full(len(NAMES), -1)
    expected[[INDEX[n] for n in (*TRUNK, "nose")]] = range(5)
    assert np.array_equal(found.source, expected)
    assert (found.colour, found.mean, found.std) == ("bgr", (1, 2, 3), (4, 5, 6))
    assert (found.padding, found.layout, found.size) == (1.1, "nhwc", (192, 256))
    assert (found.kind, found.split_ratio, found.places) == ("simcc", 3, "yx_unit")
    assert (found.score, found.min_presence) == ("logit", 0.6)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ({"keypoints": TRUNK}, "'count' must be a whole number of 1 or more"),
        ({"count": 4.5, "keypoints": TRUNK}, "'count' must be a whole number"),
        ({"count": 4}, "keypoints must be a mapping"),
        ({"count": 4, "keypoints": {**TRUNK, "tail": 1}}, "'keypoints.tail' is unknown"),
        ({"count": 3, "keypoints": TRUNK}, "'keypoints.r_hip' is 3, but .* from 0 to 2"),
        ({"count": 9, "keypoints": {**TRUNK, "nose": 2}}, "'keypoints.nose' is 2, as another"),
        ({"count": 9, "keypoints": {**TRUNK, "nose": -1}}, "'keypoints.nose' must be a whole"),
        ({"count": 9, "keypoints": {"nose": 0}}, "'keypoints.l_shoulder' is missing"),
        ({"count": 4, "keypoints": TRUNK, "speed": 1}, "'speed' is unknown"),
        ({"count": 4, "keypoints": TRUNK, "input": {"color": "grey"}}, "'input.color' is 'grey'"),
        ({"count": 4, "keypoints": TRUNK, "input": {"std": [1, 2]}}, "'input.std' must be a list"),
        ({"count": 4, "keypoints": TRUNK, "input": {"std": [1, 2, 0]}}, "'input.std' must be"),
        ({"count": 4, "keypoints": TRUNK, "input": {"size": [0, 9]}}, "'input.size' must be"),
        ({"count": 4, "keypoints": TRUNK, "output": {"kind": "paf"}}, "'output.kind' is 'paf'"),
        ({"count": 4, "keypoints": TRUNK, "min_presence": "high"}, "'min_presence' must be"),
    ],
)  # fmt: skip
def test_a_wrong_map_is_refused_with_file_and_key(write, content, sentence):
    with pytest.raises(InputError, match=rf"^mine\.yaml: .*{sentence}"):
        load_map(write(**content))


def test_a_missing_or_unreadable_map_is_refused(tmp_path):
    with pytest.raises(
        InputError, match="'coco18' cannot be read; give a YAML file or one of coco"
    ):
        load_map("coco18")
    path = tmp_path / "mine.yaml"
    path.write_text("count: 4\nkeypoints: {nose: 1\n")
    with pytest.raises(InputError, match=r"mine\.yaml, line 3: not valid YAML"):
        load_map(str(path))


def test_the_map_of_the_page_says_the_defaults(tmp_path, write):
    blocks = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    (block,) = (b for b in blocks if b.startswith("count:"))
    path = tmp_path / "page.yaml"
    path.write_text(block)
    shown = load_map(str(path))
    plain = load_map(write(count=26, keypoints=yaml.safe_load(block)["keypoints"]))
    for field in ("count", "colour", "mean", "std", "padding", "places", "score", "min_presence"):
        assert getattr(shown, field) == getattr(plain, field), field
    assert np.array_equal(shown.source, plain.source)
    assert (shown.layout, shown.size, shown.kind, shown.split_ratio) == (
        "nchw",
        (192, 256),
        "simcc",
        2,
    )
