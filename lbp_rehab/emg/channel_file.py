"""The user's YAML file of channels: which of the device's channels measures which muscle."""

from __future__ import annotations

from pathlib import Path

import yaml

from lbp_rehab.emg.channels import PLACES, ChannelMap, Placement, parse_placement
from lbp_rehab.errors import InputError

INTEGER = "tag:yaml.org,2002:int"


def read_channel_file(path: Path) -> ChannelMap:
    """Read a file such as ``config/emg_channels.example.yaml``.

    ``channels`` maps the device's label, or a number from 1, to ``muscle:side``; ``ignore`` lists
    channels that are not passed on. A label that looks like a number stands in quotes.

    Raises
    ------
    InputError
        If the file cannot be read, or what it says is wrong or contradicts itself; file and line
        are named.
    """
    try:
        root = yaml.compose(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        raise InputError(f"the channel file {path} cannot be read; check the path") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "it cannot be parsed"
        raise InputError(f"{path.name}{where}: no valid YAML: {problem}") from None
    if not isinstance(root, yaml.MappingNode):
        raise InputError(f"{path.name}: write 'channels:' with rows 'label: muscle:side'")
    reader = _Reader(path.name)
    for key, value in root.value:
        if key.value == "channels":
            reader.read_channels(value)
        elif key.value == "ignore":
            reader.read_ignored(value)
        else:
            raise reader.error(key, f"unknown key '{key.value}'; use channels and ignore")
    if not reader.placements:
        raise InputError(f"{path.name} maps no channel; write rows 'label: muscle:side'")
    return ChannelMap(
        reader.placements, frozenset(reader.ignored), reader.where, complete=True
    ).overruled({})


class _Reader:
    def __init__(self, name: str) -> None:
        self._name = name
        self.placements: dict[str | int, Placement] = {}
        self.ignored: set[str | int] = set()
        self.where: dict[str | int, str] = {}

    def error(self, node: yaml.Node, problem: str) -> InputError:
        return InputError(f"{self._line(node)}: {problem}")

    def read_channels(self, node: yaml.Node) -> None:
        if not isinstance(node, yaml.MappingNode):
            raise self.error(node, "'channels' must hold rows 'label: muscle:side'")
        for key, value in node.value:
            channel = self._channel(key)
            text = value.value if isinstance(value, yaml.ScalarNode) else ""
            place = parse_placement(text)
            if place is None:
                what = f"'{text}'" if text else "this"
                raise self.error(value, f"{what} must read muscle:side, {PLACES}")
            self.placements[channel] = place

    def read_ignored(self, node: yaml.Node) -> None:
        if not isinstance(node, yaml.SequenceNode):
            raise self.error(node, "'ignore' must be a list of labels, e.g. [Trigger]")
        self.ignored |= {self._channel(item) for item in node.value}

    def _channel(self, node: yaml.Node) -> str | int:
        """Return a label or number, which must not have stood before."""
        if not isinstance(node, yaml.ScalarNode) or not node.value.strip():
            raise self.error(node, "a channel must be a label or a number from 1")
        channel: str | int = node.value.strip()
        if node.tag == INTEGER:
            channel = int(node.value)
            if channel < 1:
                raise self.error(node, f"channel {channel}: numbers begin at 1")
        if channel in self.where:
            before = self.where[channel].rpartition(" ")[2]
            raise self.error(node, f"'{channel}' stood in line {before} already; keep one")
        self.where[channel] = self._line(node)
        return channel

    def _line(self, node: yaml.Node) -> str:
        return f"{self._name}, line {node.start_mark.line + 1}"
