import argparse
import importlib.util
import json
import math
import re
import shlex
from pathlib import Path

import cv2
import numpy as np
import pytest

from lbp_rehab import cli, msg
from lbp_rehab.bench import real
from lbp_rehab.bench.naive import NaivePose
from lbp_rehab.estimate import Reason
from lbp_rehab.graph import SessionOptions, session_graph
from lbp_rehab.nodes import qos
from lbp_rehab.paths import resource_dir
from lbp_rehab.pose.skeleton import NAMES
from lbp_rehab.pose.types import BodyPose

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
LINK = re.compile(r"\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
INLINE = re.compile(r"`([^`\n]+)`")

pages = pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)


def load_script():
    spec = importlib.util.spec_from_file_location("parameters", ROOT / "docs" / "parameters.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def prose(page):
    return FENCE.sub("", page.read_text(encoding="utf-8"))


def anchors(page):
    """The names that GitHub gives to a page's headings."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", h.strip().lower()).replace(" ", "-") for h in headings}


def commands_in(page):
    """Every `lbp-rehab ...` of a page, and whether it is a whole command line."""
    text = page.read_text(encoding="utf-8")
    for _, block in FENCE.findall(text):
        for line in block.replace("\\\n", " ").splitlines():
            if line.startswith(("lbp-rehab ", ".venv/bin/lbp-rehab ")):
                yield shlex.split(line)[1:], True
    for code in INLINE.findall(FENCE.sub("", text)):
        words = code.split()
        if words and words[0].endswith("lbp-rehab") and len(words) > 1:
            yield words[1:], False


def subparsers(parser):
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return action.choices
    return {}


def options_of(words):
    """The known options of the command that the words begin with; fails if there is none."""
    parser = cli.parser()
    for word in words:
        if not (below := subparsers(parser)):
            break
        if word == "COMMAND" or word.startswith("-"):
            break
        assert word in below, f"there is no command '{' '.join(words)}'"
        parser = below[word]
    return parser._option_string_actions


def test_parameter_tables_are_those_of_the_nodes():
    assert load_script().main(["--check"]) == 0


def test_a_stale_table_is_noticed_and_mended(tmp_path, monkeypatch):
    script = load_script()
    text = script.PAGE.read_text(encoding="utf-8")
    page = tmp_path / "graph.md"
    page.write_text(text.replace("| `max_sigma_deg` | `10.0`", "| `max_sigma_deg` | `26.0`"))
    monkeypatch.setattr(script, "PAGE", page)
    assert script.main(["--check"]) == 1
    assert script.main([]) == 0
    assert page.read_text() == script.updated(text)


@pages
def test_relative_links_lead_somewhere(page):
    for target in LINK.findall(prose(page)):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        place = (page.parent / path).resolve() if path else page
        assert place.exists(), f"{page.name} links to {target}"
        assert place.is_relative_to(ROOT), f"{page.name} links out of the repository: {target}"
        if anchor:
            assert anchor in anchors(place), f"{page.name} links to {target}"


@pages
def test_commands_and_options_exist(page):
    for words, whole in commands_in(page):
        known = options_of(words)
        for word in words:
            if word.startswith("--"):
                assert word in known, f"{page.name}: lbp-rehab {' '.join(words)}"
        if whole:
            cli.parser().parse_args(words)


def test_the_front_page_shows_commands():
    commands = {words[0] for words, whole in commands_in(ROOT / "README.md") if whole}
    assert {"run", "report"} <= commands


def test_every_command_and_option_of_run_is_documented():
    text = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    for name in cli.COMMANDS:
        assert f"`lbp-rehab {name}" in text
    for option in options_of(["run"]):
        if option.startswith("--") and option != "--help":
            assert f"`{option}`" in text, option


@pages
def test_make_targets_exist(page):
    made = (ROOT / "Makefile").read_text(encoding="utf-8")
    text = page.read_text(encoding="utf-8")
    lines = [line for _, block in FENCE.findall(text) for line in block.splitlines()]
    for code in [*lines, *INLINE.findall(FENCE.sub("", text))]:
        for target in re.findall(r"^make(?: \w+=\S+)* (\w+)(?=\s|$)", code):
            assert re.search(rf"^{target}:", made, re.MULTILINE), f"make {target}"


def test_the_front_page_lists_the_nodes_of_the_graph(tmp_path):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    recorded = SessionOptions(emg="topic", record=str(tmp_path / "bag"))
    played = SessionOptions(camera="none", play=str(tmp_path))
    for spec in (*session_graph(recorded), *session_graph(played)):
        assert f"| `{spec.name}` |" in text


@pytest.mark.graph
def test_the_front_page_states_the_qos_of_the_topics(ros_domain):
    import rclpy

    from lbp_rehab.nodes.quality_scorer import QualityScorer

    rows = re.findall(
        r"^\| `([\w/]+)` \| `lbp_rehab/\w+`[^|]*\| ([^|]+) \|",
        (ROOT / "README.md").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    stated = dict(rows)
    context = rclpy.Context()
    rclpy.init(context=context)
    node = QualityScorer(context=context)
    try:
        for topic in ("quality/live", "quality/repetition", "session/state"):
            profile = node.get_publishers_info_by_topic(f"/{topic}")[0].qos_profile
            latched = profile.durability == qos.LATCHED.durability
            reliable = profile.reliability == qos.RESULT.reliability
            assert ("reliable" in stated[topic]) == reliable
            assert ("transient local" in stated[topic]) == latched
    finally:
        node.close()
        node.destroy_node()
        rclpy.shutdown(context=context)


def documented_keys(heading):
    text = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    section = text.split(f"### {heading}\n")[1].split("\n### ")[0]
    rows = re.findall(r"^\| (`[^|]+`) \|", section, re.MULTILINE)
    return {key for row in rows for key in INLINE.findall(row)}


def run_json(capsys, *words):
    code = cli.main([*words, "--json", "-"])
    return code, json.loads(capsys.readouterr().out)


def test_keys_of_info_are_as_documented(capsys):
    code, figures = run_json(capsys, "info", str(resource_dir() / "sample" / "glute_bridge"))
    assert code == 0
    assert set(figures) == documented_keys("info")


def test_keys_of_bench_real_are_as_documented(monkeypatch, tmp_path, capsys):
    class Blind:
        def __init__(self, *_):
            pass

        def update(self, frame):
            return BodyPose.unknown(frame.stamp_ns, "camera", NAMES, Reason.NO_PERSON)

    class BlindPeer(Blind):
        def update(self, _):
            n = len(NAMES)
            return NaivePose(np.zeros((n, 3)), np.zeros(n, bool), np.zeros((n, 2)), 0.0)

    monkeypatch.setattr(real, "PoseEstimator", Blind)
    monkeypatch.setattr(real, "NaivePoseEstimator", BlindPeer)
    cv2.imwrite(str(tmp_path / "0.png"), np.zeros((24, 32, 3), np.uint8))
    found = {}
    for words in ([], ["--photos"]):
        code, figures = run_json(capsys, "bench", "real", f"folder:{tmp_path}", *words)
        assert code == 0
        found |= figures
    inner = set().union(*(bone.keys() for bone in found["bones"].values()))
    assert set(found) == documented_keys("bench real")
    text = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    (row,) = [line for line in text.splitlines() if line.startswith("| `bones` |")]
    assert inner == set(INLINE.findall(row)) - {"bones", "null"}


@pytest.mark.graph
def test_keys_of_bench_transport_are_as_documented(ros_domain, capsys):
    code, figures = run_json(capsys, "bench", "transport", "--seconds", "1")
    assert code == 0
    assert set(figures) == documented_keys("bench transport")


@pytest.mark.graph
@pytest.mark.slow
def test_keys_of_bench_latency_are_as_documented(ros_domain, capsys):
    code, figures = run_json(capsys, "bench", "latency", "--seconds", "1")
    assert code == 0
    assert set(figures) == documented_keys("bench latency")


def example():
    text = (ROOT / "docs" / "interfaces.md").read_text(encoding="utf-8")
    (code,) = [block for language, block in FENCE.findall(text) if language == "python"]
    names = {"__name__": "example"}
    exec(compile(code, "docs/interfaces.md", "exec"), names)
    return names


@pytest.mark.graph
def test_the_robot_of_the_example_moves_only_on_a_sure_and_fresh_tilt(ros_domain):
    import rclpy

    names = example()
    rclpy.init()
    try:
        node = names["PelvisFollower"]()
        sent = []
        node._command = type("Sink", (), {"publish": lambda _, m: sent.append(m.data)})()

        def command(age_s=0.01, **tilt):
            now_ns = node.get_clock().now().nanoseconds - round(age_s * 1e9)
            state = msg.PelvisState(tilt_relative=msg.Estimate(**tilt))
            state.header.stamp.sec, state.header.stamp.nanosec = divmod(now_ns, 10**9)
            node._on_state(state)
            return sent[-1]

        sure = {"status": msg.Estimate.MEASURED, "value": 0.2, "sigma": math.radians(9)}
        assert command(**sure) == pytest.approx(-0.1)
        assert command(**sure, age_s=1.0) == 0.0
        assert command(**{**sure, "sigma": math.radians(20)}) == 0.0
        assert command(**{**sure, "status": msg.Estimate.HELD}) == 0.0
        assert command(status=msg.Estimate.UNKNOWN) == 0.0
        node.destroy_node()
    finally:
        rclpy.shutdown()
