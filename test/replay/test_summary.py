"""The page over many replays."""

from dataclasses import replace
from pathlib import Path

import pytest

from lbp_rehab.compare.comparison import Comparison, TopicDifference
from lbp_rehab.replay import summary
from lbp_rehab.replay.jobs import Job, Outcome, Repetition
from lbp_rehab.replay.lockstep import Replayed

DAY_NS = 86_400 * 10**9


def repetition(score, *faults, exercise="glute_bridge"):
    return Repetition(exercise, 1.0, score, "good", "complete", faults)


def outcome(name, day, *repetitions, person="p1", comparison=None):
    start_ns = 1_700_000_000 * 10**9 + day * DAY_NS
    replayed = Replayed({}, {}, {}, (), start_ns, start_ns + 10**10)
    return Outcome(
        Job(name, Path(name)), replayed=replayed, took_s=2.0, comparison=comparison,
        person=person, repetitions=repetitions,
    )  # fmt: skip


@pytest.fixture
def drawn(monkeypatch):
    """The figures that a page is given."""
    figures = []
    savefig = summary.Figure.savefig

    def keep(figure, *arguments, **options):
        figures.append(figure)
        savefig(figure, *arguments, **options)

    monkeypatch.setattr(summary.Figure, "savefig", keep)
    return figures


def test_trends_are_by_person_and_exercise_in_the_order_of_dates(drawn, tmp_path):
    found = [
        outcome("b", 2, repetition(80.0, "x"), repetition(95.0), repetition(None, "x", "y")),
        outcome("a", 1, repetition(70.0)),
        outcome("c", 1, repetition(50.0, exercise="cat_cow"), person="p2"),
    ]
    summary.write_summary(tmp_path / "index.html", found)
    (figure,) = drawn
    first, second = [axis for axis in figure.axes if axis.get_visible()]
    assert first.get_title(loc="left") == "p1: glute bridge"
    assert second.get_title(loc="left") == "p2: cat cow"
    (bars,) = first.containers
    assert list(bars.lines[0].get_ydata()) == [70.0, 87.5]
    assert [list(part[:, 1]) for part in bars.lines[2][0].get_segments()] == [
        [70.0, 70.0], [80.0, 95.0],
    ]  # fmt: skip
    assert [text.get_text() for text in first.texts] == ["0.0", "1.0"]
    assert [t.get_text()[:10] for t in first.get_xticklabels()] == ["2023-11-15", "2023-11-16"]


def test_the_worst_come_first_and_errors_before_them(tmp_path):
    changed = Comparison("g", "n", 0, [TopicDifference("/a", "t", verdicts=["wrong"])], [], "/a",
                         {"/a": ["<b> moved"]})  # fmt: skip
    same = Comparison("g", "n", 0, [TopicDifference("/a", "t")])
    found = [
        outcome("fine", 1, comparison=same),
        outcome("worse", 1, comparison=changed),
        Outcome(Job("failed", Path("failed")), "there is no bag <failed>"),
    ]
    summary.write_summary(tmp_path / "new" / "index.html", found)
    text = (tmp_path / "new" / "index.html").read_text()
    assert "2 of 3 recordings changed or failed" in text
    assert text.index("failed<td") < text.index("worse<td") < text.index("fine<td")
    assert "1 topic, first /a<br>&lt;b&gt; moved" in text
    assert "no bag &lt;failed&gt;" in text
    assert "<img" not in text


def test_recordings_that_were_only_replayed_are_not_called_as_before(tmp_path):
    summary.write_summary(tmp_path / "index.html", [outcome("a", 1), outcome("b", 1)])
    text = (tmp_path / "index.html").read_text()
    assert "<h1>2 recordings replayed</h1>" in text
    assert "as before" not in text


def test_a_page_that_was_written_is_linked_and_another_is_not(tmp_path):
    (tmp_path / "a.html").write_text("")
    found = [outcome("a", 1), outcome("b", 1)]
    found = [replace(o, job=replace(o.job, page=tmp_path / f"{o.job.name}.html")) for o in found]
    summary.write_summary(tmp_path / "index.html", found)
    text = (tmp_path / "index.html").read_text()
    assert "href='a.html'" in text
    assert "href='b.html'" not in text
