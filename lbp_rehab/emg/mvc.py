"""Maximal voluntary contraction: from a file, or recorded."""

from __future__ import annotations

import math
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import yaml

from lbp_rehab.emg.filters import RMS_OVER_MEAN_ABS
from lbp_rehab.emg.types import NANOSECONDS, Activation, Channel, Muscle, Side
from lbp_rehab.errors import InputError

_NAME = re.compile(r"[A-Za-z0-9_-]+")
# A contraction that is no larger than this many baselines is rest, not a maximum.
LEAST_OVER_NOISE = 3.0


def read_mvc(path: Path) -> dict[str, float]:
    """Read a YAML mapping of channel label to volts.

    Raises
    ------
    InputError
        If the file is missing or holds anything but positive numbers by label.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError:
        raise InputError(f"the MVC file {path} cannot be read; check the path") from None
    except yaml.YAMLError as error:
        raise InputError(f"the MVC file {path.name} is not valid YAML: {error}") from None
    if not isinstance(content, Mapping) or not content:
        raise InputError(f"the MVC file {path.name} must map channel labels to volts")
    for label, volts in content.items():
        number = isinstance(volts, int | float) and not isinstance(volts, bool)
        if not (number and math.isfinite(volts) and 0 < volts < 1):
            raise InputError(
                f"the MVC file {path.name} gives '{volts}' for '{label}'; write volts, e.g. 0.00035"
            )
    return {str(label): float(volts) for label, volts in content.items()}


@dataclass(frozen=True)
class MvcStore:
    """Calibrations on disk: ``FOLDER/PERSON/SESSION.yaml``, each as `read_mvc` reads it.

    A calibration holds while the electrodes stay where they are, so that one of another session is
    never taken.

    Parameters
    ----------
    folder : Path
    person, session : str
        Pseudonymous id, and name of the session, for example its day.

    Raises
    ------
    InputError
        If person or session cannot be names of files.
    """

    folder: Path
    person: str
    session: str

    def __post_init__(self) -> None:
        for what, name in (("person_id", self.person), ("session", self.session)):
            if not _NAME.fullmatch(name):
                raise InputError(
                    f"{what} is '{name}'; to store calibrations it must be letters, digits, - and _"
                )

    @property
    def path(self) -> Path:
        """The file of this person and session."""
        return self.folder / self.person / f"{self.session}.yaml"

    def read(self) -> dict[str, float]:
        """Return what is stored, empty if nothing is."""
        return read_mvc(self.path) if self.path.exists() else {}

    def add(self, mvc_v: Mapping[str, float]) -> None:
        """Store new values beside those of other channels.

        Raises
        ------
        InputError
            If the file cannot be written; what it held is kept.
        """
        merged = self.read() | dict(mvc_v)
        text = "# Envelope at maximal voluntary contraction [V], by channel.\n"
        text += yaml.safe_dump(merged, allow_unicode=True)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(
                "w", dir=self.path.parent, suffix=".tmp", delete=False, encoding="utf-8"
            ) as new:
                new.write(text)
            try:
                Path(new.name).replace(self.path)
            finally:
                Path(new.name).unlink(missing_ok=True)
        except OSError as error:
            raise InputError(
                f"the calibration cannot be stored in {self.path}: {error.strerror}"
            ) from None


@dataclass(frozen=True)
class MvcResult:
    """Outcome of a recording.

    Attributes
    ----------
    mvc_v : dict of str to float
        Volts by label.
    message : str
        What was done, or why not.
    refused : dict of str to str
        Why, by label, where channels are judged each for itself.
    """

    mvc_v: dict[str, float]
    message: str
    refused: dict[str, str] = field(default_factory=dict)


class MvcRecording:
    """Collects envelopes for a while and finds each wanted channel's highest average.

    Parameters
    ----------
    muscle : Muscle
        UNKNOWN: all.
    side : Side
        NONE: both.
    duration_s : float
        How long to collect, by the stamps.
    window_s : float
        Length of the average whose highest value counts.
    only : sequence of str
        Labels of the channels, whatever muscle and side are, each judged for itself. Without them
        the channels of muscle and side are taken, all of them or none.
    """

    def __init__(
        self,
        muscle: Muscle,
        side: Side,
        duration_s: float,
        window_s: float,
        only: Sequence[str] = (),
    ) -> None:
        self._muscle, self._side, self._only = muscle, side, tuple(only)
        self._duration_s, self._window_s = duration_s, min(window_s, duration_s)
        self._instants: list[Activation] = []

    def add(self, activation: Activation) -> bool:
        """Take the next instant; return whether the duration is over."""
        self._instants.append(activation)
        elapsed_ns = activation.stamp_ns - self._instants[0].stamp_ns
        return elapsed_ns >= self._duration_s * NANOSECONDS

    def result(self) -> MvcResult:
        """Return the MVC of the wanted channels, or why there is none."""
        if len(self._instants) < 2:
            why = "no sEMG arrived; check the electrodes' stream and try again"
            return MvcResult({}, why, dict.fromkeys(self._only, why))
        channels = [muscle.channel for muscle in self._instants[-1].muscles]
        wanted = [k for k, channel in enumerate(channels) if self._wants(channel)]
        if not wanted and not self._only:
            return MvcResult({}, "no channel of that muscle and side; check channel_map")
        elapsed = self._instants[-1].stamp_ns - self._instants[0].stamp_ns
        period_s = elapsed / NANOSECONDS / (len(self._instants) - 1)
        window = max(1, round(self._window_s / period_s))
        found = {channels[k].label: self._highest(k, channels[k], window) for k in wanted}
        for label in self._only:
            found.setdefault(label, "there is no such channel")
        peaks = {label: value for label, value in found.items() if isinstance(value, float)}
        refused = {label: why for label, why in found.items() if isinstance(why, str)}
        faults = "; ".join(f"{label}: {why}" for label, why in refused.items())
        if not peaks or (refused and not self._only):
            return MvcResult({}, faults, refused if self._only else {})
        done = f"calibrated {', '.join(peaks)} in {elapsed / NANOSECONDS:.1f} s"
        return MvcResult(peaks, f"{done}; {faults}" if refused else done, refused)

    def _highest(self, k: int, channel: Channel, window: int) -> float | str:
        """Return the highest mean of a channel's envelope over a window, or why there is none."""
        envelope = [i.muscles[k].envelope for i in self._instants if k < len(i.muscles)]
        values = np.array([e.value if e.known else np.nan for e in envelope])
        if len(values) < window:
            return "the recording is shorter than the window"
        means = np.convolve(values, np.full(window, 1 / window), "valid")
        means = means[np.isfinite(means)]
        if not means.size:
            return f"it is {channel.quality.name}; check the electrode and try again"
        noise = channel.noise_v / RMS_OVER_MEAN_ABS
        if means.max() <= LEAST_OVER_NOISE * noise:
            return "no contraction above rest was seen; push harder and try again"
        return float(means.max())

    def _wants(self, channel: Channel) -> bool:
        if self._only:
            return channel.label in self._only
        return self._muscle in (Muscle.UNKNOWN, channel.muscle) and self._side in (
            Side.NONE,
            channel.side,
        )
