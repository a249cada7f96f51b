import argparse
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from clips import Answering, AnsweringNaively, Clip, shifted

from lbp_rehab import cli
from lbp_rehab.bench import pelvis, pelvis_page, pose, pose_page
from lbp_rehab.bench.page import SHEET_BYTES, contact_sheet, number, table, ten_worst
from lbp_rehab.bench.run_case import run_case

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
    assert f"| mean error (MPJPE) | {result['mpjpe_mm']:.1f} mm | 150.0 mm |" in text


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
