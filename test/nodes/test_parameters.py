import importlib

import pytest
import rclpy
import yaml
from rclpy.parameter import Parameter as RclpyParameter

from lbp_rehab.errors import InputError
from lbp_rehab.nodes.base import LbpNode, node_class
from lbp_rehab.nodes.parameters import Parameter
from lbp_rehab.paths import config_dir

NODES = (
    "camera_driver",
    "skeleton_bridge",
    "pose_estimator",
    "pelvic_angle_estimator",
    "emg_bridge",
    "exercise_recogniser",
    "quality_scorer",
    "feedback_speaker",
    "lsl_outlet",
    "recorder",
    "player",
)


@pytest.mark.parametrize("name", NODES)
def test_the_parameter_file_lists_every_parameter_at_its_default(name):
    table = node_class(importlib.import_module(f"lbp_rehab.nodes.{name}")).PARAMETERS
    values = yaml.safe_load((config_dir() / f"{name}.yaml").read_text())["/**"]["ros__parameters"]
    assert values == {row.name: row.default for row in table}
    assert {k: type(v) for k, v in values.items()} == {r.name: type(r.default) for r in table}


@pytest.mark.parametrize("name", NODES)
def test_every_parameter_is_described_and_its_default_is_allowed(name):
    for row in node_class(importlib.import_module(f"lbp_rehab.nodes.{name}")).PARAMETERS:
        assert len(row.description) > 3
        row.check(row.default)


class Sample(LbpNode):
    NAME = "sample"
    PARAMETERS = (
        Parameter("rate_hz", 30.0, "rate [Hz]", 1, 60),
        Parameter("mode", "a", "mode", choices=("a", "b"), live=True),
        Parameter("count", 3, "count", 0, 10),
    )


@pytest.fixture
def make(ros_domain):
    context = rclpy.Context()
    rclpy.init(context=context, domain_id=ros_domain)
    nodes = []

    def build(*arguments):
        node = Sample(context=context, cli_args=["--ros-args", *arguments])
        nodes.append(node)
        return node

    yield build
    for node in nodes:
        node.destroy_node()
    rclpy.shutdown(context=context)


def test_an_integer_serves_where_a_float_is_meant(make):
    assert make("-p", "rate_hz:=20").settings["rate_hz"] == 20.0


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("rat_hz:=20", "unknown parameter 'rat_hz'; known are count, mode, rate_hz"),
        ("rate_hz:=200", "between 1 and 60"),
        ("rate_hz:=fast", "must be of type DOUBLE"),
        ("mode:=c", "choose one of a, b"),
        ("count:=-1", "between 0 and 10"),
    ],
)
def test_a_wrong_parameter_is_refused_in_one_sentence(make, override, says):
    with pytest.raises(InputError, match=says):
        make("-p", override)


def test_only_live_parameters_change_and_only_to_allowed_values(make):
    node = make()
    results = [
        node.set_parameters([RclpyParameter(name, value=value)])[0]
        for name, value in (("mode", "b"), ("mode", "z"), ("count", 4))
    ]
    assert [r.successful for r in results] == [True, False, False]
    assert "choose one of" in results[1].reason
    assert node.settings["mode"] == "b"
    assert node.settings["count"] == 3
