import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from lbp_rehab.errors import InputError
from lbp_rehab.pose.blazepose import LANDMARK_OUTPUTS, LandmarkModel, model_file
from lbp_rehab.pose.landmarks import Region
from lbp_rehab.pose.litert import Model

MASK = (1, 256, 256, 1)


@pytest.fixture(scope="module")
def content():
    return model_file("pose_landmark/pose_landmark_full.tflite").read_bytes()


def test_the_network_without_its_mask_gives_the_same_numbers_to_the_bit(content):
    whole = Interpreter(model_content=content, num_threads=1)
    whole.allocate_tensors()
    places = {tuple(d["shape"].tolist()): d["index"] for d in whole.get_output_details()}
    assert MASK in places
    cut = Model(content, LANDMARK_OUTPUTS)
    rng = np.random.default_rng(5)
    for _ in range(3):
        tensor = rng.random((1, 256, 256, 3), np.float32)
        whole.set_tensor(0, tensor)
        whole.invoke()
        for shape, found in zip(LANDMARK_OUTPUTS, cut(tensor), strict=True):
            assert np.array_equal(found, whole.get_tensor(places[shape])), shape


def test_outputs_come_in_the_order_asked_for(content):
    tensor = np.random.default_rng(6).random((1, 256, 256, 3), np.float32)
    straight, turned = Model(content, LANDMARK_OUTPUTS), Model(content, LANDMARK_OUTPUTS[::-1])
    for a, b in zip(straight(tensor), turned(tensor)[::-1], strict=True):
        assert np.array_equal(a, b)


@pytest.mark.parametrize("damaged", [b"", b"no model", "half"])
def test_a_damaged_network_is_refused(content, damaged):
    with pytest.raises(InputError, match="not a readable"):
        Model(content[: len(content) // 2] if damaged == "half" else damaged, LANDMARK_OUTPUTS)


def test_another_network_is_refused():
    detector = model_file("pose_detection/pose_detection.tflite").read_bytes()
    with pytest.raises(InputError, match="not the BlazePose one"):
        LandmarkModel(content=detector)


def test_a_noise_image_shows_nobody_unless_everybody_counts():
    image = np.random.default_rng(7).integers(0, 256, (480, 640, 3), np.uint8)
    region = Region((320.0, 240.0), 300.0, 0.4)
    assert LandmarkModel()(image, region) is None
    found = LandmarkModel(min_presence=0.0)(image, region)
    assert found is not None
    assert found.presence < 0.5
