"""What a guided calibration has found: the highest of the repeats, and how well they agree."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lbp_rehab.emg.channels import Placement
from lbp_rehab.emg.mvc_tests import MvcTests
from lbp_rehab.emg.types import Channel

# Our choice: a maximum repeats to about 10 % within a session; more, and one of two was none.
MOST_SPREAD = 0.1


@dataclass(frozen=True)
class Step:
    """A test that a running bridge has channels for."""

    name: str
    say: str
    labels: tuple[str, ...]


@dataclass
class _Found:
    repeats_v: list[float] = field(default_factory=list)
    why: str = ""  # it was refused the last time


class MvcGuide:
    """Collects what each contraction gave.

    Parameters
    ----------
    tests : MvcTests
    channels : sequence of Channel
        Of the running bridge.

    Attributes
    ----------
    steps : tuple of Step
    left_out : tuple of str
        Names of tests of which the bridge has no channel.
    """

    def __init__(self, tests: MvcTests, channels: Sequence[Channel]) -> None:
        self._channels = tuple(channels)
        self._found = {c.label: _Found() for c in channels}
        steps = [Step(t.name, t.say, t.labels(channels)) for t in tests.tests]
        self.steps = tuple(step for step in steps if step.labels)
        self.left_out = tuple(step.name for step in steps if not step.labels)
        self._test_of = {label: step.name for step in self.steps for label in step.labels}

    def highest_v(self, labels: Sequence[str]) -> list[float]:
        """Return the highest of the repeats so far of each channel in volts; 0 without any."""
        return [max(self._found[label].repeats_v, default=0.0) for label in labels]

    def add(self, mvc_v: Mapping[str, float], refused: Mapping[str, str]) -> None:
        """Take what a contraction gave: volts, or why there are none, by label."""
        for label, volts in mvc_v.items():
            self._found[label].repeats_v.append(volts)
            self._found[label].why = ""
        for label, why in refused.items():
            self._found[label].why = why

    def spread(self, label: str) -> float | None:
        """Return how far the second best repeat is below the best, as a share of it; or None."""
        best = sorted(self._found[label].repeats_v)[-2:]
        return 1.0 - best[0] / best[1] if len(best) == 2 else None

    def missing(self, before: Collection[str]) -> list[str]:
        """Return channels without a calibration, where some had one before."""
        return [k for k, f in self._found.items() if not f.repeats_v and k not in before]

    def uneven(self) -> list[str]:
        """Return channels whose repeats differ by more than `MOST_SPREAD`."""
        return [k for k in self._found if (self.spread(k) or 0.0) > MOST_SPREAD]

    def to_repeat(self, before: Collection[str]) -> list[str]:
        """Return names of tests whose channels are missing or uneven, in order."""
        again = {self._test_of.get(k) for k in (*self.missing(before), *self.uneven())}
        return [step.name for step in self.steps if step.name in again]

    def table(self, before: Collection[str]) -> list[str]:
        """Return lines to read: channel, millivolts, how well the repeats agree, remarks."""
        width = max([len("channel"), *(len(k) for k in self._found)])
        lines = [f"{'channel':<{width}}  {'mV':>7}  repeats differ by"]
        for label, found in self._found.items():
            spread = self.spread(label)
            volts = f"{1e3 * max(found.repeats_v):7.3f}" if found.repeats_v else f"{'-':>7}"
            differ = "-" if spread is None else f"{100 * spread:.0f} %"
            remark = self._remark(label, found, before)
            lines.append(f"{label:<{width}}  {volts}  {differ:>5}  {remark}".rstrip())
        return lines

    def figures(self, before: Collection[str], stored: str) -> dict[str, Any]:
        """Return the same for ``--json``."""
        return {
            "channels": [
                {
                    "label": c.label,
                    "place": str(Placement(c.muscle, c.side)),
                    "test": self._test_of.get(c.label),
                    "mvc_v": max(self._found[c.label].repeats_v, default=None),
                    "repeats_v": self._found[c.label].repeats_v,
                    "spread": self.spread(c.label),
                    "calibrated_before": c.label in before,
                    "refused": self._found[c.label].why or None,
                }
                for c in self._channels
            ],
            "not_calibrated": self.missing(before),
            "uneven": self.uneven(),
            "stored": stored or None,
        }

    def _remark(self, label: str, found: _Found, before: Collection[str]) -> str:
        if label in self.uneven():
            return f"uneven, above {100 * MOST_SPREAD:.0f} %: repeat"
        if found.repeats_v:
            return ""
        if label in before:
            said = "as calibrated before"
        elif label in self._test_of or found.why:
            said = "not calibrated"
        else:
            said = "not calibrated; no test here is for it"
        return f"{said}: {found.why}" if found.why else said
