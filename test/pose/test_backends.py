import importlib.util
import zipfile

import numpy as np
import pytest

from lbp_rehab.errors import InputError
from lbp_rehab.pose.backends import make_backend, make_detector
from lbp_rehab.pose.blazepose import Detector, LandmarkModel, model_file
from lbp_rehab.pose.landmarks import Region

FIELDS = ("pixel", "visibility", "world", "heat", "given")


@pytest.fixture
def image():
    return np.random.default_rng(3).integers(0, 256, (480, 640, 3), np.uint8)


@pytest.fixture
def bundle(tmp_path):
    """A bundle of the installed package's networks under the names of MediaPipe Tasks."""
    path = tmp_path / "pose_landmarker_full.task"
    with zipfile.ZipFile(path, "w") as out:
        detector = model_file("pose_detection/pose_detection.tflite")
        out.write(detector, "pose_detector.tflite")
        landmarks = model_file("pose_landmark/pose_landmark_full.tflite")
        out.write(landmarks, "pose_landmarks_detector.tflite")
    return path


@pytest.fixture
def without_mediapipe(monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *a: None if name == "mediapipe" else find(name, *a),
    )


def same(a, b):
    return all(np.array_equal(getattr(a, f), getattr(b, f)) for f in FIELDS) and (
        (a.presence, a.next_region) == (b.presence, b.next_region)
    )


REGIONS = [Region((320.0, 240.0), 400.0, 0.0), Region((40.0, 430.0), 310.0, 2.2)]


def test_blazepose_is_the_default(image):
    backend, plain = make_backend(min_presence=0.0), LandmarkModel(min_presence=0.0)
    assert backend.name == make_backend("blazepose").name == "blazepose-full"
    assert make_backend("blazepose").min_presence == 0.5
    for region in REGIONS:
        assert same(backend(image, region), plain(image, region))


def test_the_three_steps_are_the_call(image):
    backend = make_backend(min_presence=0.0)
    for region in REGIONS:
        outputs = backend.inference(backend.preprocess(image, region))
        assert same(backend.postprocess(outputs, region), backend(image, region))


def test_a_bundle_gives_the_same_to_the_bit(image, bundle):
    backend, plain = make_backend(f"tasks:{bundle}", 0.0), LandmarkModel(min_presence=0.0)
    assert backend.name == "tasks:pose_landmarker_full"
    for region in REGIONS:
        assert same(backend(image, region), plain(image, region))


def test_a_bundle_needs_no_mediapipe(image, bundle, without_mediapipe):
    make_detector(f"tasks:{bundle}")(image)
    assert make_backend(f" tasks: {bundle} ", 0.0)(image, REGIONS[0]) is not None
    with pytest.raises(InputError, match="pip install"):
        make_backend("blazepose")


def test_a_bundle_finds_the_same_people(bundle, real_rgbd):
    cv2 = pytest.importorskip("cv2")
    picture = cv2.cvtColor(cv2.imread(str(min((real_rgbd / "color").iterdir()))), cv2.COLOR_BGR2RGB)
    ours, theirs = make_detector(f"tasks:{bundle}")(picture), Detector()(picture)
    assert len(ours) > 0
    assert [(p.region, p.score) for p in ours] == [(p.region, p.score) for p in theirs]


@pytest.mark.parametrize(
    "text",
    ["", "openpose", "blazepose:full", "tasks:", "tasks", "onnx:", "onnx:,coco17", "tasks:a,b"],
)  # fmt: skip
def test_an_unknown_backend_is_refused_with_the_forms(text):
    for make in (make_backend, make_detector):
        with pytest.raises(
            InputError, match=r"is unknown; write one of blazepose, tasks:FILE\.task"
        ):
            make(text)


def test_a_bundle_that_is_not_there_or_not_right_is_refused(tmp_path):
    path = tmp_path / "x.task"
    with pytest.raises(InputError, match=r"x\.task was not found"):
        make_backend(f"tasks:{path}")
    path.write_bytes(b"no zip")
    with pytest.raises(InputError, match=r"x\.task is not a readable"):
        make_backend(f"tasks:{path}")
    with zipfile.ZipFile(path, "w") as out:
        out.writestr("hand_detector.tflite", b"")
    with pytest.raises(InputError, match=r"x\.task holds no pose_landmarks_detector\.tflite"):
        make_backend(f"tasks:{path}")
    with pytest.raises(InputError, match=r"x\.task holds no pose_detector\.tflite"):
        make_detector(f"tasks:{path}")
    with zipfile.ZipFile(path, "w") as out:
        out.writestr("pose_landmarks_detector.tflite", b"rubbish")
    with pytest.raises(InputError, match=r"x\.task: a BlazePose network is not a readable"):
        make_backend(f"tasks:{path}")
