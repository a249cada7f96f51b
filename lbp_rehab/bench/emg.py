"""``lbp-rehab bench emg``: activation and onsets from surface EMG against the true drive."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.bench import cases, metrics, options
from lbp_rehab.bench.cases import groups
from lbp_rehab.bench.emg_run import EmgRecord, Trace, run_recording
from lbp_rehab.bench.figures import Summary, rms, rounded, statistic
from lbp_rehab.bench.metrics import ONE_SIGMA, TWO_SIGMA
from lbp_rehab.bench.page import number, table
from lbp_rehab.emg.channels import parse_label

Mask = NDArray[np.bool_]

LEAST_RANGE = 0.05  # of true activation in a channel; less gives no correlation


def figures(records: Sequence[EmgRecord], seed: int) -> dict[str, Any]:
    """Return all figures of the benchmark; the keys are described in ``docs/commands.md``."""
    by = {
        f"per_{key}": {
            name: summarise([records[k] for k in members])
            for name, members in groups(getattr(r.info, key) for r in records).items()
        }
        for key in ("exercise", "condition")
    }
    muscles = {parse_label(label).muscle for r in records for label in r.labels}
    return {
        "seed": seed,
        **summarise(records),
        "per_muscle": {m.name.lower(): summarise(records, m) for m in sorted(muscles)},
        **by,
    }


def summarise(records: Sequence[EmgRecord], muscle: Any = None) -> Summary:
    """Return the figures of some recordings, of all channels or of those of one muscle."""
    mine, peer = _accuracy(records, "ours", muscle), _accuracy(records, "naive", muscle)
    ours = [_channels(r, r.ours, muscle) for r in records]
    error = np.concatenate(
        [((t.value - t.truth) / t.sigma)[np.isfinite(t.sigma) & ~t.faulty] for t in ours]
    )
    unknown, faulty = (
        np.concatenate([x.ravel() for x in xs])
        for xs in ([np.isnan(t.value) for t in ours], [t.faulty for t in ours])
    )
    return {
        "recordings": len(records),
        "seconds": rounded(sum(r.seconds for r in records), 1),
        **mine,
        "within_1_sigma": rounded(metrics.covered_share(error**2, ONE_SIGMA, 1), 4),
        "within_2_sigma": rounded(metrics.covered_share(error**2, TWO_SIGMA, 1), 4),
        "unknown_share": rounded(float(unknown.mean()), 4) if unknown.size else None,
        "wrongly_unknown_share": _share(unknown & ~faulty, ~faulty),
        "faulty_unknown_share": _share(unknown & faulty, faulty),
        "recordings_without_mvc": sum(bool(r.mvc_problems) for r in records),
        "ms_per_second_of_signal": rounded(
            1000.0 * sum(r.took_s for r in records) / sum(r.seconds for r in records), 2
        ),
        **{f"naive_{key}": value for key, value in peer.items()},
    }


def _channels(record: EmgRecord, trace: Trace, muscle: Any) -> Trace:
    """Return the columns of one muscle; all for None. The events go with their channels."""
    if muscle is None:
        return trace
    kept = [k for k, label in enumerate(record.labels) if parse_label(label).muscle == muscle]
    return Trace(
        trace.value[:, kept], trace.truth[:, kept], trace.sigma[:, kept], trace.faulty[:, kept],
        trace.onsets.of(kept), trace.offsets.of(kept),
    )  # fmt: skip


def _accuracy(records: Sequence[EmgRecord], which: str, muscle: Any) -> Summary:
    traces = [_channels(r, getattr(r, which), muscle) for r in records]
    error = 100.0 * np.concatenate(
        [np.where(t.faulty, np.nan, t.value - t.truth).ravel() for t in traces]
    )
    correlations = np.array([c for t in traces for c in _correlations(t)], float)
    out: Summary = {
        "envelope_mae_pct_mvc": statistic(lambda v: np.abs(v).mean(), error, 2),
        "envelope_rmse_pct_mvc": statistic(rms, error, 2),
        "envelope_bias_pct_mvc": statistic(np.mean, error, 2),
        "envelope_correlation": statistic(np.mean, correlations, 3),
    }
    for kind in ("onset", "offset"):
        events = [getattr(t, f"{kind}s") for t in traces]
        late_ms = np.concatenate([e.late_s for e in events]) * 1000.0
        out[f"{kind}_mae_ms"] = statistic(lambda v: np.abs(v).mean(), late_ms, 1)
        out[f"{kind}_median_ms"] = statistic(np.median, late_ms, 1)
        out[f"{kind}s"] = sum(e.true for e in events)
        out[f"{kind}s_missed"] = sum(e.missed for e in events)
        out[f"{kind}s_false"] = sum(e.false for e in events)
    return out


def _correlations(trace: Trace) -> Iterable[float]:
    """Yield each channel's correlation with the truth, where the truth moves."""
    for value, truth, faulty in zip(trace.value.T, trace.truth.T, trace.faulty.T, strict=True):
        kept = np.isfinite(value) & ~faulty
        if kept.sum() > 2 and np.ptp(truth[kept]) >= LEAST_RANGE and np.ptp(value[kept]) > 0:
            yield float(np.corrcoef(value[kept], truth[kept])[0, 1])


def _share(part: Mask, whole: Mask) -> float | None:
    return rounded(float(part.sum() / whole.sum()), 4) if whole.any() else None


def main(arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure as the options say."""
    options.check(arguments, arguments.recordings)
    drawn = cases.draw("emg", arguments.seed, arguments.recordings)
    return figures(cases.work_off(run_recording, drawn, arguments.jobs), arguments.seed)


def text(result: dict[str, Any]) -> str:
    """Return the headline for the screen."""
    rows = [
        [name, number(result[key], digits, unit), number(result[f"naive_{key}"], digits, unit)]
        for name, key, digits, unit in (
            ("envelope, mean absolute error", "envelope_mae_pct_mvc", 1, "% MVC"),
            ("envelope, correlation", "envelope_correlation", 2, ""),
            ("onset, mean absolute error", "onset_mae_ms", 0, "ms"),
            ("onsets missed", "onsets_missed", 0, ""),
            ("onsets false", "onsets_false", 0, ""),
            ("offset, mean absolute error", "offset_mae_ms", 0, "ms"),
        )
    ]
    return "\n".join(table(["", "ours", "naive peer"], rows))
