"""``metadata.yaml`` of a rosbag2 folder, version 9: what ``ros2 bag`` of Jazzy writes and reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from rosbags.interfaces import Qos
from rosbags.rosbag2.metadata import dump_qos_v9, parse_qos

from lbp_rehab.errors import InputError

FILE_NAME = "metadata.yaml"
VERSION = 9
ROS_DISTRO = "jazzy"
_MAX_BYTES = 1 << 24  # a larger file is none of a recorder
EMPTY_START_NS = 2**63 - 1  # rosbag2's starting time of a bag without messages


@dataclass(frozen=True)
class Topic:
    """A topic as a bag describes it.

    Attributes
    ----------
    name, type : str
        Such as ``/emg/raw`` and ``lbp_rehab/msg/EmgRaw``.
    definition, encoding, type_hash : str
        See `lbp_rehab.bags.definitions.Definition`.
    qos : tuple of rosbags.interfaces.Qos
        What the publishers offered when the recording began.
    """

    name: str
    type: str
    definition: str = field(default="", repr=False)
    encoding: str = ""
    type_hash: str = ""
    qos: tuple[Qos, ...] = ()


def qos_text(qos: Sequence[Qos]) -> str:
    """Return profiles as the YAML text of a channel's ``offered_qos_profiles``."""
    return _yaml(dump_qos_v9(list(qos)))


@dataclass(frozen=True)
class FileSpan:
    """What a data file holds: its name, the log times of its first and last message, how many."""

    name: str
    start_ns: int
    end_ns: int
    message_count: int


def describe(
    files: Sequence[FileSpan],
    topics: Mapping[str, Topic],
    counts: Mapping[str, int],
    custom_data: Mapping[str, str],
) -> dict[str, Any]:
    """Return the ``rosbag2_bagfile_information`` of a bag in MCAP.

    Parameters
    ----------
    files : sequence of FileSpan
        In the order of their recording.
    topics, counts : mapping
        By topic name; the messages in all files.
    custom_data : mapping
        What the maker of the bag says about it.
    """
    filled = [file for file in files if file.message_count]
    start_ns = min((file.start_ns for file in filled), default=EMPTY_START_NS)
    end_ns = max((file.end_ns for file in filled), default=EMPTY_START_NS)
    return {
        "version": VERSION,
        "storage_identifier": "mcap",
        "duration": {"nanoseconds": end_ns - start_ns},
        "starting_time": {"nanoseconds_since_epoch": start_ns},
        "message_count": sum(file.message_count for file in files),
        "topics_with_message_count": [
            {
                "topic_metadata": {
                    "name": topic.name,
                    "type": topic.type,
                    "serialization_format": "cdr",
                    "offered_qos_profiles": dump_qos_v9(list(topic.qos)),
                    "type_description_hash": topic.type_hash,
                },
                "message_count": counts.get(name, 0),
            }
            for name, topic in topics.items()
        ],
        # Of whole files or messages by rosbag2; the chunks of an MCAP file are its own matter.
        "compression_format": "",
        "compression_mode": "",
        "relative_file_paths": [file.name for file in files],
        "files": [
            {
                "path": file.name,
                "starting_time": {
                    "nanoseconds_since_epoch": file.start_ns
                    if file.message_count
                    else EMPTY_START_NS
                },
                "duration": {"nanoseconds": file.end_ns - file.start_ns},
                "message_count": file.message_count,
            }
            for file in files
        ],
        "custom_data": dict(custom_data),
        "ros_distro": ROS_DISTRO,
    }


@dataclass(frozen=True)
class Described:
    """What a ``metadata.yaml`` says that the data files may not.

    Attributes
    ----------
    files : tuple of str
        Names of the data files in the order of their recording.
    message_count : int
    topics : dict of str to Topic
    formats : dict of str to str
        By topic, how its messages are serialised.
    """

    files: tuple[str, ...]
    message_count: int
    topics: dict[str, Topic]
    formats: dict[str, str]


def read(folder: Path) -> Described:
    """Return what a bag's ``metadata.yaml`` of any version says.

    Raises
    ------
    InputError
        If it cannot be understood, or files that it names are missing.
    """
    try:
        path = folder / FILE_NAME
        if path.stat().st_size > _MAX_BYTES:
            raise ValueError(f"it has more than {_MAX_BYTES} bytes")
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        content = yaml.load(path.read_text(encoding="utf-8"), loader)
        information = content["rosbag2_bagfile_information"]
        # Older versions name them with the folder.
        files = tuple(Path(name).name for name in information["relative_file_paths"])
        if "files" in information:
            listed = {Path(row["path"]).name for row in information["files"]}
            # rosbag2 packs whole files after it has listed them.
            if {name.removesuffix(".zstd") for name in listed} != {
                name.removesuffix(".zstd") for name in files
            }:
                raise ValueError("it names different files in two places")
        rows = [row["topic_metadata"] for row in information["topics_with_message_count"]]
        topics = [_topic(row) for row in rows]
        described = Described(
            files,
            int(information["message_count"]),
            {topic.name: topic for topic in topics},
            {str(row["name"]): str(row["serialization_format"]) for row in rows},
        )
    except Exception as error:  # damaged text causes errors of any kind
        raise InputError(f"{type(error).__name__}: {error}") from error
    if missing := [name for name in files if not (folder / name).is_file()]:
        raise InputError(f"{', '.join(missing)} is missing")
    if not files or len(set(files)) < len(files):
        raise InputError("it names no files, or one twice")
    return described


def _topic(row: Mapping[str, Any]) -> Topic:
    try:
        qos = tuple(parse_qos(row.get("offered_qos_profiles", [])))
    except Exception:  # damaged text causes errors of any kind in the parser
        qos = ()
    return Topic(
        str(row["name"]),
        str(row["type"]),
        type_hash=str(row.get("type_description_hash") or ""),
        qos=qos,
    )


def text(information: dict[str, Any]) -> str:
    """Return the YAML text of a description."""
    return _yaml(information)


def custom_data(folder: Path) -> dict[str, str]:
    """Return what the maker of a bag wrote about it in ``metadata.yaml``; empty if nothing."""
    try:
        content = yaml.safe_load((folder / FILE_NAME).read_text(encoding="utf-8"))
        found = content["rosbag2_bagfile_information"].get("custom_data") or {}
        return {str(key): str(value) for key, value in found.items()}
    except (OSError, ValueError, yaml.YAMLError, LookupError, TypeError, AttributeError):
        return {}


def write(folder: Path, information: dict[str, Any]) -> None:
    """Write ``metadata.yaml`` into a bag's folder, whole or not at all."""
    unfinished = folder / (FILE_NAME + ".tmp")
    unfinished.write_text(_yaml({"rosbag2_bagfile_information": information}), encoding="utf-8")
    unfinished.replace(folder / FILE_NAME)


def _yaml(content: Any) -> str:
    class Plain(yaml.SafeDumper):
        """Repeats equal values instead of pointing to them: yaml-cpp's users expect it."""

        def ignore_aliases(self, data: Any) -> bool:
            return True

    return yaml.dump(content, Dumper=Plain, sort_keys=False, default_flow_style=False).strip()
