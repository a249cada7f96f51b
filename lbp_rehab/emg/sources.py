"""Where sEMG comes from: one interface, and the sources that a specification can name."""

from __future__ import annotations

from abc import ABC, abstractmethod
from urllib.parse import unquote

from lbp_rehab.emg.types import EmgChunk
from lbp_rehab.errors import InputError

SPECIFICATIONS = "file:PATH, lsl:name=NAME, synthetic:EXERCISE, topic or none"


class EmgSource(ABC):
    """A source of chunks.

    Time is handed in: the caller says what ROS time it is, so that a file can be paced and a
    device's clock can be put on ROS time without a clock of its own.
    """

    @abstractmethod
    def open(self, now_ns: int) -> None:
        """Start; a file's first sample gets this time. Raises InputError if mendable."""

    @abstractmethod
    def read(self, now_ns: int) -> EmgChunk | None:
        """Return the next chunk that is complete by this time, or None; never waits."""

    @abstractmethod
    def close(self) -> None:
        """Release files, devices and threads; may be called twice."""

    @property
    @abstractmethod
    def status(self) -> str:
        """One sentence on what is wrong now; empty when samples flow."""

    @property
    def finished(self) -> bool:
        """Whether no more chunks will come."""
        return False


def open_source(specification: str, chunk_s: float) -> EmgSource | None:
    """Return the source that a specification names, not opened yet.

    Parameters
    ----------
    specification : str
        ``file:PATH[?unit=uV&rate=1000&time=NAME]``, ``lsl:[name=..&type=..&source_id=..&unit=..]``
        (``|`` serves as ``&``), ``synthetic:EXERCISE[?seed=1&fault=..]``, ``topic`` (the samples
        come as messages) or ``none``.
    chunk_s : float
        Length of a chunk in seconds.

    Returns
    -------
    EmgSource or None
        None for ``topic`` and ``none``.

    Raises
    ------
    InputError
        If the specification cannot be read.
    """
    from lbp_rehab.emg.file_source import FileSource  # noqa: PLC0415
    from lbp_rehab.emg.lsl_source import LslSource  # noqa: PLC0415

    kind, _, rest = specification.strip().partition(":")
    if kind in ("topic", "none") and not rest:
        return None
    if kind == "file":
        path, _, query = rest.partition("?")
        if not path:
            raise InputError("the sEMG source 'file:' lacks a path; write file:PATH")
        return FileSource(path, chunk_s, **_options(query, ("unit", "rate", "time"), specification))
    if kind == "lsl":
        keys = ("name", "type", "source_id", "unit")
        options = _options(rest, keys, specification)
        unit = options.pop("unit", "")
        return LslSource(options, chunk_s, unit)
    if kind == "synthetic":
        from lbp_rehab.synthetic.live_emg import SyntheticEmg  # noqa: PLC0415  (slow to import)

        return SyntheticEmg(rest, chunk_s)
    raise InputError(f"unknown sEMG source '{specification}'; use {SPECIFICATIONS}")


def _options(query: str, keys: tuple[str, ...], specification: str) -> dict[str, str]:
    options: dict[str, str] = {}
    for item in query.replace("|", "&").split("&"):
        if not item:
            continue
        key, equals, value = item.partition("=")
        if key not in keys or not equals or not value:
            raise InputError(
                f"sEMG source '{specification}': '{item}' must be key=value with a key of "
                f"{', '.join(keys)}"
            )
        options[key] = unquote(value)
    return options
