import importlib.util

import pytest

from lbp_rehab.graph import SessionOptions, option_help, session_graph
from lbp_rehab.paths import share_dir

pytest.importorskip("launch_ros", reason="launch is there on a ROS machine only")
launch = pytest.importorskip("launch")


def description(name):
    path = share_dir() / "launch" / f"{name}.launch.py"
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.generate_launch_description()


def nodes(name, **arguments):
    context = launch.LaunchContext()
    context.launch_configurations.update({k: str(v) for k, v in arguments.items()})
    found = []
    for entity in description(name).entities:
        made = entity.visit(context) or []
        found += [m for m in made if type(m).__name__ == "Node"]
    return found


@pytest.mark.parametrize("name", ["session", "replay"])
def test_every_option_is_a_launch_argument(name):
    declared = {
        a.name
        for a, *_ in description(
            name
        ).get_launch_arguments_with_include_launch_description_actions()
    }
    assert declared == set(option_help())


def test_launch_starts_the_nodes_of_the_graph():
    options = {"camera": "webcam:0", "emg": "lsl:name=emg", "person": "007"}
    made = nodes("session", **options)
    assert [n.node_executable for n in made] == [
        spec.name for spec in session_graph(SessionOptions(**options))
    ]
