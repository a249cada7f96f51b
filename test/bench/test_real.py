import json

import cv2
import numpy as np
import pytest

from lbp_rehab import cli
from lbp_rehab.bench import real
from lbp_rehab.bench.naive import NaivePose
from lbp_rehab.camera.types import Intrinsics
from lbp_rehab.estimate import Reason, Status
from lbp_rehab.pose.skeleton import BONES, INDEX, NAMES
from lbp_rehab.pose.types import BodyPose

WIDTH, HEIGHT = 64, 48
CAMERA = Intrinsics(WIDTH, HEIGHT, 60.0, 60.0, 31.5, 23.5)
THIGH = ["l_hip", "l_knee"]


def place(name, stretch=1.0):
    """Return a place of its own for every point; the left thigh is 0.4 m times a factor long."""
    k = INDEX[name]
    spot = np.array([0.1 * (k % 6) - 0.25, 0.1 * (k // 6) - 0.25, 2.0])
    if name == "l_knee":
        spot = place("l_hip") + np.array([0.0, 0.4 * stretch, 0.0])
    return spot


def pose(stamp_ns, stretch=1.0, unknown=(), track_id=1, pixel=None):
    position = np.array([place(name, stretch) for name in NAMES])
    status = np.full(len(NAMES), int(Status.MEASURED))
    status[[INDEX[name] for name in unknown]] = int(Status.UNKNOWN)
    return BodyPose(
        stamp_ns, "camera", NAMES, position, np.zeros((len(NAMES), 3, 3)), status,
        np.zeros(len(NAMES), int), np.ones(len(NAMES)),
        CAMERA.project(position) if pixel is None else pixel, track_id=track_id,
    )  # fmt: skip


def nobody(stamp_ns):
    return BodyPose.unknown(stamp_ns, "camera", NAMES, Reason.NO_PERSON)


class Stub:
    """An estimator that gives prepared poses; it keeps the frames that it was shown."""

    def __init__(self, answer):
        self.answer, self.frames, self.settings = answer, [], None

    def __call__(self, settings=None):
        self.settings = settings
        return self

    def update(self, frame):
        self.frames.append(frame)
        return self.answer(len(self.frames) - 1, frame)


def naive(stretch):
    position = np.array([place(name, stretch) for name in NAMES])
    return NaivePose(position, np.ones(len(NAMES), bool), CAMERA.project(position), 1.0)


@pytest.fixture
def folder(tmp_path):
    """Six frames of nothing: the estimators are stubs."""
    for name in ("color", "depth"):
        (tmp_path / name).mkdir()
    for k in range(6):
        image = np.full((HEIGHT, WIDTH, 3), 40 * k, np.uint8)
        cv2.imwrite(str(tmp_path / "color" / f"{k}.png"), image)
        cv2.imwrite(str(tmp_path / "depth" / f"{k}.png"), np.full((HEIGHT, WIDTH), 2000, np.uint16))
    camera = {"width": WIDTH, "height": HEIGHT, "fx": 60, "fy": 60, "cx": 31.5, "cy": 23.5}
    (tmp_path / "camera.json").write_text(json.dumps({**camera, "nominal_rate_hz": 20}))
    return tmp_path


@pytest.fixture
def use(monkeypatch):
    """Put stubs where the estimators are."""

    def put(ours, peer=lambda _k, _f: naive(1.0)):
        stubs = Stub(ours), Stub(peer)
        monkeypatch.setattr(real, "PoseEstimator", stubs[0])
        monkeypatch.setattr(real, "NaivePoseEstimator", stubs[1])
        return stubs

    return put


def run(capsys, *words):
    code = cli.main(["bench", "real", *words, "--json", "-"])
    return code, json.loads(capsys.readouterr().out)


def test_figures_of_a_recording_are_exact(folder, use, capsys):
    def ours(k, frame):
        if k == 5:
            return nobody(frame.stamp_ns)
        unknown = ("r_ankle",) if k < 4 else ()
        return pose(frame.stamp_ns, [1.0, 1.1][k % 2] if k < 4 else 1.05, unknown, 1 + (k == 4))

    stub, peer = use(ours, lambda k, _f: naive([0.5, 1.5][k % 2]))
    code, figures = run(capsys, f"folder:{folder}", "--subject", "left", "--gravity", "overhead")
    assert code == 0
    assert (figures["frames"], figures["answered_frames"], figures["tracks"]) == (6, 5, 2)
    assert figures["unusable_frames"] == 0
    assert figures["source"] == folder.name
    n = len(NAMES)
    assert figures["answered_share"] == round((4 * (n - 1) + n) / (6 * n), 4)
    thigh = figures["bones"]["l_hip to l_knee"]
    lengths = 0.4 * np.array([1.0, 1.1, 1.0, 1.1, 1.05])
    assert thigh["variation"] == round(lengths.std() / lengths.mean(), 4)
    assert thigh["naive_variation"] == 0.5
    assert thigh["answered_share"] == round(5 / 6, 4)
    shank = figures["bones"]["r_knee to r_ankle"]  # known in one frame of six: too few to tell
    assert (shank["variation"], shank["answered_share"]) == (None, round(1 / 6, 4))
    assert figures["bones"]["r_hip to r_knee"]["variation"] == 0.0
    assert figures["worst_bone_variation"] == thigh["variation"]
    assert len(figures["bones"]) == len(BONES)
    assert (stub.settings.subject.kind, stub.settings.gravity.hint.tolist()) == ("left", [0, 0, -1])
    stamps = [frame.stamp_ns for frame in stub.frames]
    assert np.diff(stamps).tolist() == [50_000_000] * 5  # of the folder's rate
    assert (stub.frames[0].depth == 2000).all()
    assert len(peer.frames) == 6


def test_a_recording_in_which_nobody_is_found_has_no_variation(folder, use, capsys):
    use(lambda _k, frame: nobody(frame.stamp_ns))
    _, figures = run(capsys, f"folder:{folder}")
    assert (figures["answered_frames"], figures["tracks"]) == (0, 0)
    assert figures["answered_share"] == 0.0
    assert figures["worst_bone_variation"] is None


def test_frames_that_cannot_be_used_are_counted_and_left_out(folder, use, capsys):
    cv2.imwrite(str(folder / "color" / "3.png"), np.zeros((20, 20, 3), np.uint8))
    stub, _ = use(lambda _k, frame: pose(frame.stamp_ns))
    _, figures = run(capsys, f"folder:{folder}")
    assert (figures["frames"], figures["unusable_frames"]) == (5, 1)
    assert len(stub.frames) == 5


def photograph(shoulders_px, unknown=()):
    """Return a pose in a photograph whose trunk is 100 pixels long."""
    pixel = np.zeros((len(NAMES), 2))
    for side, sign in (("l", 0.5), ("r", -0.5)):
        pixel[INDEX[f"{side}_shoulder"]] = 90 + sign * shoulders_px, 20
        pixel[INDEX[f"{side}_hip"]] = 90 + sign * 30, 120
    return pose(0, unknown=unknown, pixel=pixel)


def test_photographs_with_a_collapsed_or_unknown_trunk_are_named(folder, use, capsys):
    answers = [
        photograph(60), photograph(34), photograph(36), photograph(20, unknown=("l_hip",)),
        photograph(20, unknown=("l_knee",)), photograph(60),
    ]  # fmt: skip
    stub, _ = use(lambda k, _f: answers[k // real.PHOTO_TRIES])
    code, figures = run(capsys, f"folder:{folder}", "--photos")
    assert code == 0
    assert figures["photographs"] == 6
    assert figures["collapsed_passed"] == [1, 4]
    assert figures["unsolved"] == [3]
    assert len(stub.frames) == 6 * real.PHOTO_TRIES
    shown = stub.frames[0]
    assert shown.color.shape == (real.ENLARGED * HEIGHT, real.ENLARGED * WIDTH, 3)
    assert shown.depth is None


def test_a_photograph_counts_by_its_last_look(folder, use, capsys):
    use(lambda k, _f: photograph(60 if k % real.PHOTO_TRIES == real.PHOTO_TRIES - 1 else 10))
    _, figures = run(capsys, f"folder:{folder}", "--photos")
    assert (figures["collapsed_passed"], figures["unsolved"]) == ([], [])


def test_the_sheet_shows_the_answers(folder, use, capsys, tmp_path):
    use(lambda _k, frame: pose(frame.stamp_ns))
    sheet = tmp_path / "sheet.png"
    run(capsys, f"folder:{folder}", "--sheet", str(sheet))
    image = cv2.imread(str(sheet))
    width = real.SHEET_PX * WIDTH // HEIGHT
    assert image.shape == (2 * real.SHEET_PX, real.SHEET_COLUMNS * width, 3)
    assert not image[real.SHEET_PX :, width:].any()  # six pictures: one in the second row


def refused(capsys, *words):
    assert cli.main(["bench", "real", *words]) == 2
    error = capsys.readouterr().err
    assert error.startswith("lbp-rehab: ")
    assert len(error.splitlines()) == 1
    return error


def test_what_is_no_recording_is_refused_in_one_sentence(tmp_path, folder, use, capsys):
    use(lambda _k, frame: pose(frame.stamp_ns))
    assert "'none' is no recording" in refused(capsys, "none")
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "holds no images" in refused(capsys, f"folder:{empty}")
    assert "subject 'tallest'" in refused(capsys, f"folder:{folder}", "--subject", "tallest")
    nowhere = str(tmp_path / "missing" / "sheet.png")
    assert "--sheet" in refused(capsys, f"folder:{folder}", "--sheet", nowhere)


@pytest.mark.parametrize("bad", [[], ["the first is torn", "so is the second"]])
def test_a_source_without_a_usable_frame_is_refused(bad, monkeypatch, capsys):
    closed = []

    class Source:
        name = "broken"

        def shots(self):
            blank = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
            return iter([real.Shot(0, blank, None, CAMERA, why) for why in bad])

        def close(self):
            closed.append(True)

    monkeypatch.setattr(real, "open_source", lambda *_: Source())
    error = refused(capsys, "video:broken")
    assert "video:broken" in error
    assert not bad or bad[0] in error
    assert closed == [True]
