import cmath
import sys

import numpy as np
import pytest
import yaml

from lbp_rehab.errors import InputError
from lbp_rehab.pose.backends import make_backend, make_detector
from lbp_rehab.pose.blazepose import Detector
from lbp_rehab.pose.landmarks import REGION_SCALE, Region
from lbp_rehab.pose.skeleton import INDEX, NAMES

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

WIDTH, HEIGHT = 48, 64  # of the model's input
K = 17
TRUNK = [INDEX[n] for n in ("l_shoulder", "r_shoulder", "l_hip", "r_hip")]
# Upright in the middle; turned and for the greater part outside the image.
REGIONS = [Region((320.0, 240.0), 400.0, 0.0), Region((15.0, 470.0), 310.0, 2.2)]
IMAGE = np.zeros((480, 640, 3), np.uint8)


def tensor(name, shape, dtype=None):
    return onnx.helper.make_tensor_value_info(name, dtype or onnx.TensorProto.FLOAT, shape)


def save(path, nodes, inputs, outputs, constants=()):
    graph = onnx.helper.make_graph(
        nodes, "tiny", inputs, outputs, [onnx.numpy_helper.from_array(v, n) for n, v in constants]
    )
    opset = [onnx.helper.make_opsetid("", 17)]
    onnx.save(onnx.helper.make_model(graph, opset_imports=opset, ir_version=8), path)
    return path


@pytest.fixture
def model(tmp_path):
    """Write a network that answers every image with the same arrays; return its parameter."""

    def _write(outputs, shape=(1, 3, HEIGHT, WIDTH), dtype=None, mapping=None):
        # A term that is always nothing ties the answer to the image.
        kind = dtype or onnx.TensorProto.FLOAT
        nodes = [
            onnx.helper.make_node("Cast", ["image"], ["real"], to=onnx.TensorProto.FLOAT),
            onnx.helper.make_node("ReduceMax", ["real"], ["top"], keepdims=0),
            onnx.helper.make_node("Mul", ["top", "zero"], ["nothing"]),
            *(onnx.helper.make_node("Add", [f"c_{n}", "nothing"], [n]) for n in outputs),
        ]
        constants = [("zero", np.float32(0)), *((f"c_{n}", v) for n, v in outputs.items())]
        path = save(
            tmp_path / "tiny.onnx",
            nodes,
            [tensor("image", shape, kind)],
            [tensor(n, v.shape) for n, v in outputs.items()],
            [(n, np.asarray(v, np.float32)) for n, v in constants],
        )
        if mapping is None:
            return f"onnx:{path}"
        (tmp_path / "map.yaml").write_text(yaml.safe_dump(mapping))
        return f"onnx:{path},{tmp_path / 'map.yaml'}"

    return _write


@pytest.fixture
def answer():
    """Where the network sees its points: whole pixels of its input, none beside an edge."""
    rng = np.random.default_rng(4)
    return np.column_stack([rng.integers(4, WIDTH - 4, K), rng.integers(4, HEIGHT - 4, K)])


def simcc(answer, ratio=2, score=0.8):
    x, y = np.zeros((1, K, WIDTH * ratio)), np.zeros((1, K, HEIGHT * ratio))
    x[0, np.arange(K), answer[:, 0] * ratio] = score
    y[0, np.arange(K), answer[:, 1] * ratio] = 0.9
    return {"simcc_x": x, "simcc_y": y}


def heatmap(answer, stride=1, score=0.8):
    maps = np.zeros((1, K, HEIGHT // stride, WIDTH // stride))
    maps[0, np.arange(K), answer[:, 1] // stride, answer[:, 0] // stride] = score
    return {"maps": maps}


def in_image(points, region, pixel=1.0 / WIDTH):
    """Where points of the input lie in the image, by complex numbers.

    ``pixel`` is one pixel of the input over the circle round the body.
    """
    step = cmath.rect(pixel * region.size / REGION_SCALE, region.rotation)
    z = complex(*region.centre) + step * ((points - [WIDTH / 2, HEIGHT / 2]) @ [1, 1j])
    return np.column_stack([z.real, z.imag])


def coco(points):
    """The 17 points in our order, and which those are."""
    from lbp_rehab.pose.keypoint_maps import load_map

    source = load_map("coco17").source
    return points[source[source >= 0]], source >= 0


@pytest.mark.parametrize("region", REGIONS)
@pytest.mark.parametrize("ratio", [1, 2, 3])
def test_simcc_comes_back_to_the_pixel(model, answer, region, ratio):
    found = make_backend(model(simcc(answer, ratio)))(IMAGE, region)
    expected, given = coco(in_image(answer, region))
    np.testing.assert_allclose(found.pixel[given], expected, atol=1e-9)
    np.testing.assert_allclose(found.visibility[given], 0.8, atol=1e-7)
    assert found.presence == pytest.approx(0.8)
    assert found.world is None


@pytest.mark.parametrize("region", REGIONS)
@pytest.mark.parametrize("stride", [1, 4])
def test_heatmaps_come_back_to_the_pixel(model, answer, region, stride):
    answer = answer // stride * stride
    found = make_backend(model(heatmap(answer, stride)))(IMAGE, region)
    expected, given = coco(in_image(answer, region))
    np.testing.assert_allclose(found.pixel[given], expected, atol=1e-9)


def test_a_peak_moves_a_quarter_cell_to_its_higher_neighbour_but_not_at_the_edge(model):
    maps = np.zeros((1, K, HEIGHT // 4, WIDTH // 4))
    maps[0, :, 5, 6] = 0.9
    maps[0, :, 5, 7] = 0.2  # right
    maps[0, :, 4, 6] = 0.3  # above
    maps[0, 0] = 0.0
    maps[0, 0, 0, 11] = 0.9  # the nose in the corner
    maps[0, 0, 1, 11] = maps[0, 0, 0, 10] = 0.5
    found = make_backend(model({"maps": maps}))(IMAGE, REGIONS[1])
    points = in_image(np.array([[44, 0], [25, 19]]), REGIONS[1])
    np.testing.assert_allclose(found.pixel[[INDEX["nose"], TRUNK[0]]], points, atol=1e-9)


@pytest.mark.parametrize("region", REGIONS)
def test_coordinates_come_back_to_the_pixel(model, answer, region):
    expected, given = coco(in_image(answer + 0.25, region))
    scored = np.concatenate([answer + 0.25, np.full((K, 1), 0.7)], axis=1)
    base = {"count": K, "keypoints": {NAMES[i]: int(n) for i, n in _coco_items()}}
    unit = (answer + 0.25) / [WIDTH, HEIGHT]
    for outputs, mapping in [
        ({"points": scored[None]}, None),
        ({"points": scored[None, None]}, None),
        ({"points": scored[None, :, :2], "scores": scored[None, :, 2]}, None),
        ({"points": unit[None]}, {**base, "output": {"places": "xy_unit"}}),
        ({"points": unit[None, :, ::-1]}, {**base, "output": {"places": "yx_unit"}}),
    ]:
        found = make_backend(model(outputs, mapping=mapping))(IMAGE, region)
        np.testing.assert_allclose(found.pixel[given], expected, atol=2e-4)  # float32 outputs
        score = 1.0 if mapping else 0.7
        np.testing.assert_allclose(found.visibility[given], score, atol=1e-7)
        assert found.heat is None


def _coco_items():
    from lbp_rehab.pose.keypoint_maps import load_map

    return [(i, n) for i, n in enumerate(load_map("coco17").source) if n >= 0]


def test_the_rows_may_come_before_the_columns(model, answer):
    outputs = simcc(answer)
    backend = make_backend(model({n: outputs[n] for n in ("simcc_y", "simcc_x")}))
    expected, given = coco(in_image(answer, REGIONS[0]))
    np.testing.assert_allclose(backend(IMAGE, REGIONS[0]).pixel[given], expected, atol=1e-9)


SPOTS = [
    [[250, 150], [390, 180], [280, 330], [370, 300]],
    [[25, 375], [95, 445], [45, 435], [20, 465]],
]


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize(("region", "spots"), list(zip(REGIONS, SPOTS, strict=True)))
def test_what_is_drawn_in_the_image_is_found_there(tmp_path, region, spots, first):
    """A network that looks: each of its heatmaps answers to a disc of one colour."""
    pixel = region.size / REGION_SCALE / WIDTH  # of the input, in the image
    row, column = np.mgrid[0:480, 0:640]
    image = np.zeros((480, 640, 3), np.uint8)
    for (x, y), colour in zip(spots, [(1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 1)], strict=True):
        image[np.hypot(column - x, row - y) < 2 * pixel] = np.array(colour) * 255
    across = np.arange(-3, 4)
    cone = 4.0 - np.hypot(across[:, None], across)
    taste = np.array([[2, -1, -1], [-1, 2, -1], [-1, -1, 2], [1, 1, 1]]) / 100.0
    weights = (taste[:, :, None, None] * cone).astype(np.float32)
    node = onnx.helper.make_node
    if first:
        shape, out = [1, 3, HEIGHT, WIDTH], [1, 4, HEIGHT, WIDTH]
        nodes = [node("Conv", ["image", "w"], ["maps"], pads=[3] * 4)]
    else:
        shape, out = [1, HEIGHT, WIDTH, 3], [1, HEIGHT, WIDTH, 4]
        nodes = [
            node("Transpose", ["image"], ["planes"], perm=[0, 3, 1, 2]),
            node("Conv", ["planes", "w"], ["seen"], pads=[3] * 4),
            node("Transpose", ["seen"], ["maps"], perm=[0, 2, 3, 1]),
        ]
    path = tmp_path / "seeing.onnx"
    save(path, nodes, [tensor("image", shape)], [tensor("maps", out)], [("w", weights)])
    mapping = {
        "count": 4,
        "keypoints": {NAMES[k]: i for i, k in enumerate(TRUNK)},
        "input": {"mean": [0, 0, 0], "std": [255, 255, 255]},
        "output": {"score": "logit"},
    }
    (tmp_path / "four.yaml").write_text(yaml.safe_dump(mapping))
    found = make_backend(f"onnx:{path},{tmp_path / 'four.yaml'}")(image, region)
    away = np.linalg.norm(found.pixel[TRUNK] - spots, axis=1)
    assert away.max() < pixel


def test_points_that_the_model_does_not_know_are_not_given(model, answer):
    found = make_backend(model(simcc(answer)))(IMAGE, REGIONS[1])
    _, given = coco(answer)
    assert np.array_equal(found.given, given)
    assert not found.given[INDEX["l_toe"]]
    hips = found.pixel[[INDEX["l_hip"], INDEX["r_hip"]]].mean(axis=0)
    np.testing.assert_allclose(found.pixel[~given], np.broadcast_to(hips, (16, 2)))
    assert not found.visibility[~given].any()
    assert not found.heat[~given].any()


def test_presence_is_the_mean_score_of_the_trunk(model, answer):
    outputs = simcc(answer)
    outputs["simcc_x"][0, 5] *= 0.5  # the left shoulder
    backend = make_backend(model(outputs))
    assert backend(IMAGE, REGIONS[0]).presence == pytest.approx((3 * 0.8 + 0.4) / 4)
    assert backend.min_presence == 0.3
    assert make_backend(model(outputs), 0.75)(IMAGE, REGIONS[0]) is None
    assert make_backend(model(simcc(answer, score=0.2)))(IMAGE, REGIONS[0]) is None


def test_the_next_region_holds_the_certain_points_alone(model):
    answer = np.tile([24, 36], (K, 1))
    answer[[5, 6]] = [[20, 20], [28, 20]]  # shoulders
    answer[[11, 12]] = [[22, 40], [26, 40]]  # hips
    answer[15] = [24, 60]  # an ankle
    answer[16] = [4, 4]  # the other: a wild guess
    outputs = simcc(answer)
    outputs["simcc_x"][0, 16] *= 0.1
    region = REGIONS[1]
    found = make_backend(model(outputs))(IMAGE, region)
    assert found.next_region.rotation == pytest.approx(region.rotation)
    np.testing.assert_allclose(
        found.next_region.centre, in_image(np.array([[24, 40]]), region)[0], atol=1e-9
    )
    radius = np.hypot(4, 20) * region.size / REGION_SCALE / WIDTH * 1.04
    assert found.next_region.size == pytest.approx(2 * radius * REGION_SCALE)


def test_the_spread_of_a_heatmap_is_in_cells_of_the_region(model, answer):
    outputs = heatmap(answer)
    for k, (x, y) in enumerate(answer):
        outputs["maps"][0, k, y, [x - 1, x + 1]] = 0.2
        outputs["maps"][0, k, [y - 1, y + 1], [x - 1, x + 1]] = 0.1
    found = make_backend(model(outputs))(IMAGE, REGIONS[1])
    _, given = coco(answer)
    cell = 64 / (WIDTH * REGION_SCALE)  # one pixel of the input in cells
    total = 0.8 + 2 * 0.2 + 2 * 0.1
    expected = [0.8, 0, 0, 0.6 / total * cell**2, 0.2 / total * cell**2, 0.2 / total * cell**2]
    np.testing.assert_allclose(found.heat[given], np.tile(expected, (K, 1)), atol=1e-6)


def test_the_spread_of_simcc_is_in_cells_of_the_region(model, answer):
    outputs = simcc(answer)
    for k, (x, _) in enumerate(2 * answer):
        outputs["simcc_x"][0, k, [x - 1, x + 1]] = 0.8 - np.log(2) / 10  # half as probable
    outputs["simcc_y"] *= 10  # all others are as good as impossible
    found = make_backend(model(outputs))(IMAGE, REGIONS[0])
    _, given = coco(answer)
    bin_cells = 64 / (2 * WIDTH * REGION_SCALE)
    reach = int(3 / bin_cells)
    others = np.array([o for o in range(-reach, reach + 1) if abs(o) > 1])
    rest = np.exp(-8.0)
    xx = (1.0 + rest * (others**2).sum()) / (2.0 + rest * len(others))
    np.testing.assert_allclose(found.heat[given][:, 3], xx * bin_cells**2, rtol=1e-4)
    np.testing.assert_allclose(found.heat[given][:, [1, 2, 4, 5]], 0, atol=1e-6)
    np.testing.assert_allclose(found.heat[given][:, 0], 0.8, atol=1e-7)


def test_a_wide_or_square_input_holds_the_circle_round_the_body_too(model, answer):
    for width, height, pixel in [(64, 48, 1 / 48), (64, 64, 1.25 / 64)]:
        maps = np.zeros((1, K, height, width))
        maps[0, :, 10, 20] = 0.8
        found = make_backend(model({"maps": maps}, (1, 3, height, width)))(IMAGE, REGIONS[1])
        step = cmath.rect(pixel * REGIONS[1].size / REGION_SCALE, REGIONS[1].rotation)
        z = complex(*REGIONS[1].centre) + step * complex(20 - width / 2, 10 - height / 2)
        np.testing.assert_allclose(found.pixel[0], [z.real, z.imag], atol=1e-9)


@pytest.mark.parametrize("colour", ["rgb", "bgr"])
@pytest.mark.parametrize("first", [True, False])
def test_colours_are_normalised_in_the_models_order(model, answer, colour, first):
    mapping = {
        "count": K,
        "keypoints": {NAMES[i]: int(n) for i, n in _coco_items()},
        "input": {"color": colour, "mean": [10, 20, 30], "std": [2, 4, 8]},
    }
    shape = (1, 3, HEIGHT, WIDTH) if first else (1, HEIGHT, WIDTH, 3)
    backend = make_backend(model(simcc(answer), shape, mapping=mapping))
    image = np.full((480, 640, 3), [200, 100, 50], np.uint8)
    tensor = backend.preprocess(image, Region((320.0, 240.0), 200.0, 0.3))
    assert tensor.shape == shape
    assert tensor.dtype == np.float32
    values = [95.0, 20.0, 2.5] if colour == "rgb" else [20.0, 20.0, 21.25]
    np.testing.assert_array_equal(tensor[0, ..., 30, 20] if first else tensor[0, 30, 20], values)


def test_a_model_of_bytes_is_fed_bytes(model, answer):
    mapping = {
        "count": K,
        "keypoints": {NAMES[i]: int(n) for i, n in _coco_items()},
        "input": {"mean": [0, 0, 0], "std": [1, 1, 1]},
    }
    text = model(simcc(answer), (1, HEIGHT, WIDTH, 3), onnx.TensorProto.UINT8, mapping)
    tensor = make_backend(text).preprocess(np.full_like(IMAGE, 77), REGIONS[0])
    assert tensor.dtype == np.uint8
    assert (tensor[0, 20:40, 20:30] == 77).all()


def test_an_open_input_takes_the_maps_size(model, answer):
    open_shape = ("n", 3, "h", "w")
    with pytest.raises(InputError, match=r"state input\.layout and input\.size"):
        make_backend(model(simcc(answer), open_shape))
    mapping = {
        "count": K,
        "keypoints": {NAMES[i]: int(n) for i, n in _coco_items()},
        "input": {"size": [WIDTH, HEIGHT]},
    }
    found = make_backend(model(simcc(answer), open_shape, mapping=mapping))(IMAGE, REGIONS[0])
    expected, given = coco(in_image(answer, REGIONS[0]))
    np.testing.assert_allclose(found.pixel[given], expected, atol=1e-9)


def test_numbers_that_are_none_show_nobody(model, answer):
    outputs = simcc(answer)
    outputs["simcc_x"][0, 3, 7] = np.nan
    assert make_backend(model(outputs))(IMAGE, REGIONS[0]) is None


def test_the_same_model_answers_the_same(model, answer):
    text = model(heatmap(answer))
    first, again = (make_backend(text)(IMAGE, REGIONS[1]) for _ in range(2))
    for field in ("pixel", "visibility", "heat", "given"):
        assert getattr(first, field).tobytes() == getattr(again, field).tobytes()


def test_people_are_found_by_blazepose(model, answer):
    text = model(simcc(answer))
    assert make_backend(text).name == "onnx:tiny"
    assert isinstance(make_detector(text), Detector)


@pytest.mark.parametrize(
    ("outputs", "sentence"),
    [
        ({"boxes": np.zeros((1, 100, 7))}, r"outputs are boxes \(1, 100, 7\), not SimCC, heatmaps"),
        ({"pafs": np.zeros((1, K, 7, 9))}, "outputs are pafs"),
        ({"people": np.zeros((3, K, 3))}, "outputs are people"),
        ({"x": np.zeros((1, K, 96)), "y": np.zeros((1, K, 90))}, "outputs are x"),
        ({"points": np.zeros((1, 21, 3))}, "gives 21 points, for which no keypoint map"),
    ],
)
def test_outputs_that_cannot_be_read_are_refused(model, outputs, sentence):
    with pytest.raises(InputError, match=sentence):
        make_backend(model(outputs))


def test_a_map_of_another_model_is_refused(model, answer):
    with pytest.raises(
        InputError, match=r"tiny\.onnx gives 17 points and the keypoint map halpe26"
    ):
        make_backend(f"{model(simcc(answer))},halpe26")
    mapping = {
        "count": K,
        "keypoints": {NAMES[i]: int(n) for i, n in _coco_items()},
        "output": {"kind": "heatmap"},
    }
    with pytest.raises(InputError, match="not those of heatmap"):
        make_backend(model(simcc(answer), mapping=mapping))


def test_a_model_that_takes_no_single_image_is_refused(model, answer):
    with pytest.raises(InputError, match="does not take one image"):
        make_backend(model(simcc(answer), (1, 3, HEIGHT)))
    with pytest.raises(InputError, match="fails on one blank picture of 48 x 64"):
        make_backend(model(simcc(answer), (8, 3, HEIGHT, WIDTH)))


def test_a_file_that_is_no_model_is_refused(tmp_path):
    path = tmp_path / "x.onnx"
    with pytest.raises(InputError, match=r"x\.onnx was not found"):
        make_backend(f"onnx:{path}")
    path.write_bytes(b"rubbish")
    with pytest.raises(InputError, match=r"x\.onnx is not a model that onnxruntime can read"):
        make_backend(f"onnx:{path}")


def test_without_onnxruntime_the_sentence_says_what_to_install(model, answer, monkeypatch):
    text = model(simcc(answer))
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(InputError, match="pip install onnxruntime"):
        make_backend(text)
