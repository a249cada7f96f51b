import argparse
import re
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from clips import Answering, AnsweringNaively, Clip, N, pose_of, shifted, standing

from lbp_rehab import cli
from lbp_rehab.bench import pelvis, pelvis_page, pose, pose_page
from lbp_rehab.bench.page import (
    SHEET_BYTES,
    SMALL,
    SideView,
    contact_sheet,
    number,
    table,
    ten_worst,
)
from lbp_rehab.bench.run_case import run_case
from lbp_rehab.estimate import Estimate
from lbp_rehab.pose.types import Support

PAGES = {"pose": (pose, pose_page), "pelvis": (pelvis, pelvis_page)}


@pytest.fixture(scope="module")
def records():
    out = []
    for n in range(12):
        clip = Clip(
            name=f"clip-{n:02d}", exercise=("plank", "forward_bend")[n % 2], view=f"view {n % 3}",
            condition=("clear", "dark")[n % 2], frames=30, covered=("l_knee",) if n % 2 else (),
        )  # fmt: skip
        spoil = lambda k, p, n=n: shifted(p, (0.0, 0.0, 0.01 * n))  # noqa: E731
        out.append(
            run_case(
                clip,
                lambda clip=clip, spoil=spoil: Answering(clip, spoil),
                lambda clip=clip: AnsweringNaively(clip, (0.0, 0.0, 0.15)),
            )
        )
    return out


def written(kind, records, folder):
    figures, page = PAGES[kind]
    result = figures.figures(records, 3)
    arguments = argparse.Namespace(seed=3, frames=360, jobs=2, page=Path("docs/benchmarks"))
    page.write(folder, records, result, arguments)
    return (folder / f"{kind}.md").read_text(encoding="utf-8"), result


@pytest.mark.parametrize("kind", PAGES)
def test_pages_show_their_figures_pictures_and_command(kind, records, tmp_path):
    text, _ = written(kind, records, tmp_path)
    pictures = re.findall(r"\]\(([\w.]+\.(?:png|jpg))\)", text)
    assert len(pictures) >= 3
    for name in pictures:
        assert cv2.imread(str(tmp_path / name)) is not None
    assert sum(p.stat().st_size for p in tmp_path.iterdir()) < 1_500_000
    (block,) = re.findall(r"^```\n(lbp-rehab .*)\n```", text, re.MULTILINE)
    assert block.split()[1:4] == ["bench", kind, "--seed"]
    cli.parser().parse_args(block.split()[1:])
    for exercise in ("plank", "forward_bend"):
        assert f"| {exercise} |" in text
    assert "nan" not in text
    assert "None" not in text


def test_pose_page_puts_the_peer_beside_every_figure_of_ours(records, tmp_path):
    text, result = written("pose", records, tmp_path)
    low, high = result["mpjpe_mm_ci95"]
    assert low < result["mpjpe_mm"] < high
    row = f"| mean error (MPJPE) | {result['mpjpe_mm']:.1f} mm [{low:.1f}, {high:.1f}], 100 %"
    assert f"{row} answered | 150.0 mm [150.0, 150.0], 100 % answered |" in text


def test_pelvis_page_begins_with_what_was_answered_and_leaves_out_what_never_was(records, tmp_path):
    text, _ = written("pelvis", records, tmp_path)
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert rows[1].startswith("| frames answered, tilt to gravity | 100.0 %")
    assert rows[3] == "| clips with a neutral | 12 of 12 |  |  |"
    assert "lumbar" not in text
    for name in ("tilt", "obliquity", "rotation"):
        assert f"clips with a slope of {name}" in text
    assert "12 of 12 clips had an answer" in text


def test_the_side_view_shows_the_length_of_a_lying_body_over_its_support():
    rng = np.random.default_rng(0)
    # 1.7 m along the image, 0.4 m in depth, the mat 0.5 m under a level camera.
    position = rng.uniform([-0.85, 0.3, 2.0], [0.85, 0.5, 2.4], (N, 3))
    lying = pose_of(0, position)
    support = Support(np.array([0.0, -1.0, 0.0]), 0.01, Estimate(0.5, 0.01))
    view = SideView(replace(lying, support=support), position.reshape(-1, 1, 3).repeat(2, 1))
    pixel = view.pixel(position)
    metre = SMALL[0] / (np.ptp(position[:, 0]) + 0.2)
    assert np.ptp(pixel[:, 0]) == pytest.approx(metre * np.ptp(position[:, 0]), rel=0.05)
    assert np.corrcoef(pixel[:, 1], position[:, 1])[0, 1] == pytest.approx(1.0)
    assert view.ground == pytest.approx(pixel[:, 1].max(), abs=3.0)
    assert view.ground >= pixel[:, 1].max() - 0.5


def test_the_side_view_of_an_upright_body_runs_away_from_the_camera():
    position = standing()
    view = SideView(pose_of(0, position), position.reshape(-1, 1, 3).repeat(2, 1))
    pixel = view.pixel(np.array([[0.0, 0.0, 3.0], [0.0, 0.0, 3.5], [0.3, 0.0, 3.0]]))
    assert pixel[1, 0] > pixel[0, 0]
    assert pixel[2] == pytest.approx(pixel[0])


def test_holes_of_the_depth_picture_are_black_and_depths_are_not(records):
    worst = records[-1].worst_pose
    whole = np.full(worst.frame.color.shape[:2], 3000, np.uint16)
    depth = whole.copy()
    depth[:, : depth.shape[1] // 2] = 0
    sheets = []
    for image in (whole, depth):
        one = replace(worst, frame=replace(worst.frame, depth=image))
        sheet = contact_sheet([(records[-1].info, one)], "mm", 0, pelvis=False)
        picture = cv2.imdecode(np.frombuffer(sheet, np.uint8), cv2.IMREAD_COLOR)
        sheets.append(picture[125:230, 325:475].astype(int).sum(axis=-1))
    assert (sheets[0][:80] > 60).mean() > 0.95
    assert (sheets[1][:80] < 30).any()


@pytest.mark.parametrize("kind", PAGES)
def test_the_same_records_give_the_same_files(kind, records, tmp_path):
    for folder in ("a", "b"):
        written(kind, records, tmp_path / folder)
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


def test_the_ten_worst_are_the_worst_of_ten_cases_in_order(records):
    chosen = ten_worst([(r.info, r.worst_pose) for r in records])
    assert [info.name for info, _ in chosen] == [f"clip-{n:02d}" for n in range(11, 1, -1)]
    assert [round(w.error) for _, w in chosen] == [10 * n for n in range(11, 1, -1)]


def test_the_sheet_stays_small_on_images_that_do_not_compress(records):
    rng = np.random.default_rng(0)
    chosen = ten_worst([(r.info, r.worst_pose) for r in records])
    for _, worst in chosen:
        worst.frame.color[:] = rng.integers(0, 255, worst.frame.color.shape, np.uint8)
    sheet = contact_sheet(chosen, "mm", 0, pelvis=True)
    assert len(sheet) <= SHEET_BYTES
    image = cv2.imdecode(np.frombuffer(sheet, np.uint8), cv2.IMREAD_COLOR)
    assert image.shape == (5 * 280, 2 * 480, 3)


def test_numbers_and_tables():
    assert number(None) == "\u2013"
    assert number(0.683, 1, percent=True) == "68.3 %"
    assert number(12.345, 2, "deg") == "12.35 deg"
    assert table(["a", "b"], [["x", "1"]]) == ["| a | b |", "|---|---:|", "| x | 1 |", ""]
