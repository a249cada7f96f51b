"""A user's ROS parameter file, laid over the nodes' own: which of its values concern a node.

ROS hands every section that matches to a node, also values that only other nodes know. Here a
section with a wildcard in the place of the node's name gives a node only what it knows, so that
``/**:`` can hold the parameters of several nodes; a section that names the node is taken as it is,
so that a misspelt parameter is found out.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from lbp_rehab.errors import InputError

BUILT_IN = ("use_sim_time", "start_type_description_service", "qos_overrides.")  # of every node
SECTION = "ros__parameters"


class _Loader(yaml.SafeLoader):
    """Reads plain values as rcl does: 1e3 is a number, a date is text."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - the name is PyYAML's
        first: [(tag, form) for tag, form in rows if not tag.endswith(":timestamp")]
        for first, rows in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?\d+(\.\d*)?[eE][-+]?\d+$"), list("-+0123456789")
)


@dataclass(frozen=True)
class ParameterFile:
    """Sections of a parameter file, each with its parameters by full name, in the file's order."""

    sections: tuple[tuple[str, dict[str, Any]], ...] = ()

    def of(self, name: str, namespace: str, known: Collection[str]) -> dict[str, Any]:
        """Return what concerns a node; later sections win.

        Parameters
        ----------
        name, namespace : str
            Of the node.
        known : collection of str
            The node's parameters.
        """
        found: dict[str, Any] = {}
        for pattern, values in self.sections:
            if not _concerns(pattern, name, namespace):
                continue
            named = pattern.rpartition("/")[2] == name
            found |= {k: v for k, v in values.items()
                      if named or k in known or k.startswith(BUILT_IN)}  # fmt: skip
        return found


def load(path: Path) -> ParameterFile:
    """Read a parameter file.

    Raises
    ------
    InputError
        If it does not exist, is not YAML, or does not have the form of a parameter file.
    """
    if not path.is_file():
        raise InputError(f"the parameter file '{path}' does not exist")
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), _Loader)  # a SafeLoader
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark else ""
        raise InputError(f"the parameter file '{path}' is not YAML{where}") from None
    sections = content if isinstance(content, dict) else {}
    if not sections or not all(
        isinstance(s, dict) and isinstance(s.get(SECTION), dict) for s in sections.values()
    ):
        raise InputError(
            f"the parameter file '{path}' must hold 'NODE:' and under it '{SECTION}:' with "
            "parameters"
        )
    return ParameterFile(
        tuple((str(name), dict(_flat(s[SECTION], path))) for name, s in sections.items())
    )


def _flat(values: dict[Any, Any], path: Path, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield parameters; nested names are joined by dots, as ROS does."""
    for key, value in values.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict):
            yield from _flat(value, path, f"{name}.")
        elif all(isinstance(v, bool | int | float | str)
                 for v in (value if isinstance(value, list) else [value])):  # fmt: skip
            yield name, value
        else:
            raise InputError(
                f"the parameter '{name}' in '{path}' must be a boolean, a number, a string or a "
                "list of these"
            )


def _concerns(pattern: str, name: str, namespace: str) -> bool:
    """Whether a section's name matches a node; without any '/' it does so in every namespace."""
    if "/" not in pattern and pattern == name:
        return True
    form = ""
    for token in pattern.strip("/").split("/"):
        form += r"(/\w+)*" if token == "**" else "/" + re.escape(token).replace(r"\*", r"\w*")
    space = namespace.strip("/")
    return re.fullmatch(form, f"/{space}/{name}" if space else f"/{name}") is not None
