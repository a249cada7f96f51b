"""Where sEMG comes from: one interface, and the sources that a specification can name."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping
from urllib.parse import unquote

from lbp_rehab.emg.types import EmgChunk
from lbp_rehab.errors import InputError

SPECIFICATIONS = "file:PATH, lsl:name=NAME, brainflow:BOARD, synthetic:EXERCISE, topic or none"
FILE_KEYS = ("unit", "rate", "time", "name", "type", "source_id")
LSL_KEYS = ("name", "type", "source_id", "unit")
BOARD_KEYS = ("serial", "port", "ip", "mac")


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

    def listen(self, ready: Callable[[], None]) -> bool:
        """Call ``ready`` from any thread when there is a chunk; return whether this source does."""
        return False

    def aim(self, stamp_ns: int) -> None:  # noqa: B027
        """Take note that a chunk best ends with the first sample from this time on.

        Does nothing for a source whose chunks are as long as they are.
        """

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

    @property
    def labels(self) -> tuple[str, ...]:
        """Channels of the opened source where they are known at once, as in a file; else empty."""
        return ()

    @property
    def rate_hz(self) -> float:
        """Sampling rate of the opened source where it is known at once; else 0."""
        return 0.0

    @property
    def counts(self) -> Mapping[str, int]:
        """How often something happened since opening, by name, for diagnostics."""
        return {}

    def reports(self) -> tuple[str, ...]:
        """Return what is worth telling since the last call: one sentence each."""
        return ()


def open_source(
    specification: str, chunk_s: float, mapped: Collection[str] = ()
) -> EmgSource | None:
    """Return the source that a specification names, not opened yet.

    Parameters
    ----------
    specification : str
        ``file:PATH[?unit=uV&rate=1000&time=NAME&name=..&type=..&source_id=..]``,
        ``lsl:[name=..&type=..&source_id=..&unit=..]``,
        ``brainflow:BOARD[?serial=..&port=..&ip=..&mac=..]``,
        ``synthetic:EXERCISE[?seed=1&fault=..]``, ``topic`` (the samples come as messages) or
        ``none``. ``|`` serves as ``&``.
    chunk_s : float
        Length of a chunk in seconds.
    mapped : collection of str
        Labels that a channel map names: such a channel is not left out for its unit.

    Returns
    -------
    EmgSource or None
        None for ``topic`` and ``none``.

    Raises
    ------
    InputError
        If the specification cannot be read.
    """
    kind, _, rest = specification.strip().partition(":")
    if kind in ("topic", "none") and not rest:
        return None
    if kind == "file":
        from lbp_rehab.emg.file_source import FileSource  # noqa: PLC0415

        path, _, query = rest.partition("?")
        if not path:
            raise InputError("the sEMG source 'file:' lacks a path; write file:PATH")
        options = _options(query, FILE_KEYS, specification)
        return FileSource(path, chunk_s, mapped=mapped, **options)
    if kind == "lsl":
        from lbp_rehab.emg.lsl_source import LslSource  # noqa: PLC0415

        options = _options(rest, LSL_KEYS, specification)
        unit = options.pop("unit", "")
        return LslSource(options, chunk_s, unit, mapped)
    if kind == "brainflow":
        from lbp_rehab.emg.brainflow_source import BrainFlowSource  # noqa: PLC0415

        board, _, query = rest.partition("?")
        if not board:
            raise InputError("the sEMG source 'brainflow:' lacks a board; write brainflow:ganglion")
        return BrainFlowSource(board, chunk_s, _options(query, BOARD_KEYS, specification))
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
