"""Turns the graph's description into launch actions; needs launch_ros (a ROS machine)."""

from __future__ import annotations

from typing import Any

from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction, SetEnvironmentVariable, Shutdown
from launch.substitutions import EnvironmentVariable, LaunchConfiguration
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue

from lbp_rehab import environment
from lbp_rehab.graph import NodeSpec, SessionOptions, Value, option_help, session_graph
from lbp_rehab.paths import PACKAGE

RESPAWN_DELAY_S = 0.5


def session_description(**defaults: Any) -> LaunchDescription:
    """Return the description of a session; every option of `SessionOptions` is an argument.

    Launch starts a node that died with the same parameters, unlike `lbp_rehab.runner`: after a
    crash the pelvis may take a hold for its neutral, and the recorder refuses its bag.

    Parameters
    ----------
    **defaults
        Other defaults than those of `SessionOptions`.
    """
    rows = {k: (defaults.get(k, default), text) for k, (default, text) in option_help().items()}
    variables = [
        SetEnvironmentVariable(name, EnvironmentVariable(name, default_value=value))
        for name, value in environment.defaults().items()
    ]
    arguments = [
        DeclareLaunchArgument(name, default_value=str(default).lower()
                              if isinstance(default, bool) else str(default), description=text)
        for name, (default, text) in rows.items()
    ]  # fmt: skip
    return LaunchDescription([*variables, *arguments, OpaqueFunction(function=_nodes)])


def _nodes(context: LaunchContext) -> list[Node]:
    values: dict[str, Any] = {}
    for name, (default, _) in option_help().items():
        text = LaunchConfiguration(name).perform(context)
        if isinstance(default, bool):
            values[name] = text.lower() in ("true", "1", "yes")
        else:
            values[name] = type(default)(text)
    return [_node(spec) for spec in session_graph(SessionOptions(**values))]


def _node(spec: NodeSpec) -> Node:
    return Node(
        package=PACKAGE,
        executable=spec.name,
        name=spec.name,
        namespace=spec.namespace,
        parameters=[
            *spec.parameter_files,
            {name: _typed(value) for name, value in spec.parameters.items()},
        ],
        remappings=list(spec.remappings),
        output="screen",
        respawn=spec.respawn and not spec.ends_session,
        respawn_delay=RESPAWN_DELAY_S,
        on_exit=[Shutdown(reason=f"{spec.name} is over")] if spec.ends_session else None,
    )


def _typed(value: Value) -> Any:
    """Keep strings strings: launch would read the id "007" as a number."""
    if isinstance(value, str):
        return ParameterValue(value, value_type=str)
    if isinstance(value, list) and all(isinstance(v, str) for v in value):
        return ParameterValue(value, value_type=list[str])
    return value
