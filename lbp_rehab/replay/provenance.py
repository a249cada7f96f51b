"""How a golden recording was made: from what, by which versions, models and parameters."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from lbp_rehab import __version__
from lbp_rehab.bags import metadata
from lbp_rehab.bags.play import Selection
from lbp_rehab.bags.read import storage_files
from lbp_rehab.errors import InputError
from lbp_rehab.graph import DEFAULTS, SessionOptions
from lbp_rehab.paths import config_dir, resource_dir
from lbp_rehab.replay.lockstep import Replayed

KEY = "lbp_rehab.provenance"  # in the bag's custom_data
# Libraries whose version can change a number.
LIBRARIES = (
    "numpy",
    "scipy",
    "opencv-python-headless",
    "onnxruntime",
    "ai-edge-litert",
    "mediapipe",
)
# Options that are files, kept relative to the golden recording so that both can move together.
FILES = ("params", "mvc_file", "emg_channels", "exercise_folder", "exercise")


@dataclass(frozen=True)
class Provenance:
    """What the result of a replay knows of its making.

    Attributes
    ----------
    golden : bool
        Whether it was kept as right.
    recording : str
        Path of the recording that was replayed, relative to the golden one's folder.
    recording_sha256 : str
        Of the recording's files.
    options : dict
        Of the session, where they are not the default.
    exclude : tuple of str
    start_s, end_s : float
        Of `lbp_rehab.bags.play.Selection`.
    version : str
        Of this package.
    machine : str
    libraries : dict of str to str
        Their versions.
    files : dict of str to str
        SHA-256 of each model and of each exercise and cue file.
    parameters : dict of str to dict
        Of each node.
    sha256 : dict of str to str
        Of each topic.
    """

    golden: bool = False
    recording: str = ""
    recording_sha256: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    exclude: tuple[str, ...] = ()
    start_s: float = 0.0
    end_s: float = 0.0
    version: str = ""
    machine: str = ""
    libraries: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    parameters: dict[str, dict[str, Any]] = field(default_factory=dict)
    sha256: dict[str, str] = field(default_factory=dict)

    @property
    def selection(self) -> Selection:
        """What of the recording was fed."""
        return Selection(exclude=self.exclude, start_s=self.start_s, end_s=self.end_s)

    def recording_path(self, golden: Path) -> Path:
        """Return where the recording is, seen from here."""
        return Path(os.path.normpath(golden / self.recording))

    def session_options(self, golden: Path) -> SessionOptions:
        """Return the session's options, files seen from here."""
        known = {f.name for f in fields(SessionOptions)}
        options = {k: v for k, v in self.options.items() if k in known}
        for name in FILES:
            if _is_file(name, options.get(name, "")):
                options[name] = os.path.normpath(golden / options[name])
        return replace(DEFAULTS, **options)

    def text(self) -> str:
        """Return it as JSON."""
        return json.dumps(asdict(self), sort_keys=True)


def made(
    recording: Path,
    golden: Path,
    options: SessionOptions,
    selection: Selection,
    replayed: Replayed,
    *,
    kept: bool,
) -> Provenance:
    """Return the provenance of a bag that is being made.

    Parameters
    ----------
    recording, golden : Path
        Paths that are relative are relative to the working directory.
    options : SessionOptions
    selection : Selection
    replayed : Replayed
    kept : bool
        Whether the bag is kept as golden.
    """
    chosen = {k: v for k, v in asdict(options).items() if v != getattr(DEFAULTS, k)}
    for name in FILES:
        if _is_file(name, chosen.get(name, "")):
            chosen[name] = os.path.relpath(chosen[name], golden)
    return Provenance(
        kept,
        os.path.relpath(recording, golden),
        recording_sha256(recording),
        chosen,
        selection.exclude,
        selection.start_s,
        selection.end_s,
        __version__,
        f"{platform.machine()}, Python {platform.python_version()}",
        dict(_libraries()),
        dict(_files()),
        replayed.parameters,
        replayed.digests,
    )


def read(golden: Path) -> Provenance | None:
    """Return the provenance of a golden recording; None if the bag is none.

    Raises
    ------
    InputError
        If it is damaged.
    """
    found = metadata.custom_data(golden).get(KEY)
    if found is None:
        return None
    try:
        content = json.loads(found)
        known = {f.name for f in fields(Provenance)}
        result = Provenance(**{k: v for k, v in content.items() if k in known})
        return replace(result, exclude=tuple(result.exclude))
    except (ValueError, TypeError, AttributeError):
        raise InputError(
            f"the golden recording '{golden}' says nothing usable of how it was made; add it anew"
        ) from None


def changes(golden: Provenance, new: Provenance) -> dict[str, tuple[str, str]]:
    """Return what was made differently: by what, golden and new."""
    found: dict[str, tuple[str, str]] = {}
    for name in ("version", "machine", "recording_sha256", "exclude", "start_s", "end_s"):
        _note(found, name.replace("_", " "), getattr(golden, name), getattr(new, name))
    for what, old, now in (
        ("option ", golden.options, new.options),
        ("", golden.libraries, new.libraries),
        ("", golden.files, new.files),
    ):
        for name in sorted(old.keys() | now.keys()):
            _note(found, what + name, old.get(name), now.get(name))
    for node in sorted(golden.parameters.keys() | new.parameters.keys()):
        if node not in golden.parameters or node not in new.parameters:
            _note(found, node, *("there" if node in p.parameters else None for p in (golden, new)))
            continue
        before, after = golden.parameters[node], new.parameters[node]
        for name in sorted(before.keys() | after.keys()):
            _note(found, f"{node} {name}", before.get(name), after.get(name))
    return found


def _note(found: dict[str, tuple[str, str]], name: str, golden: Any, new: Any) -> None:
    if golden != new:
        found[name] = _short(golden), _short(new)


def _short(value: Any) -> str:
    text = "not there" if value is None else str(value) or "empty"
    return text[:12] if len(text) == 64 and text.isalnum() else text


def recording_sha256(recording: Path) -> str:
    """Return the SHA-256 of a recording's data files."""
    digest = hashlib.sha256()
    try:
        for path in storage_files(recording):
            with path.open("rb") as file:
                while block := file.read(1 << 20):
                    digest.update(block)
    except OSError as error:
        raise InputError(f"cannot read the bag '{recording}': {error.strerror}") from None
    return digest.hexdigest()


@cache
def _libraries() -> tuple[tuple[str, str], ...]:
    found = []
    for name in LIBRARIES:
        try:
            found.append((name, version(name)))
        except PackageNotFoundError:
            continue
    return tuple(found)


@cache
def _files() -> tuple[tuple[str, str], ...]:
    return tuple(
        (name, hashlib.sha256(path.read_bytes()).hexdigest()) for name, path in _paths() if path
    )


def _paths() -> Iterator[tuple[str, Path]]:
    for folder in (resource_dir() / "models", config_dir() / "exercises", config_dir() / "cues"):
        for path in sorted(folder.glob("*")):
            if path.is_file() and path.suffix != ".md":
                yield f"{folder.name}/{path.name}", path


def _is_file(name: str, value: str) -> bool:
    return bool(value) and (name != "exercise" or value.endswith((".yaml", ".yml")))
