"""``lbp-rehab bench emg``: envelopes, onsets, fatigue and faulty channels against exact truth.

What each figure is stands in ``docs/benchmarks/emg.md`` and in the docstrings of `summarise`,
`emg_run`, `emg_events` and `emg_faults`.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.bench import cases, metrics, options
from lbp_rehab.bench.cases import groups
from lbp_rehab.bench.emg_faults import Slope, Stretch
from lbp_rehab.bench.emg_peers import (
    NAIVE,
    NEEDS_NEUROKIT,
    NOT_INSTALLED,
    neurokit_installed,
)
from lbp_rehab.bench.emg_run import OURS, EmgRecord, Trace, run_recording
from lbp_rehab.bench.figures import Summary, rms, rounded, statistic
from lbp_rehab.bench.intervals import Resampled
from lbp_rehab.bench.metrics import ONE_SIGMA, TWO_SIGMA
from lbp_rehab.bench.page import number, ranged, table
from lbp_rehab.emg.channels import parse_label
from lbp_rehab.emg.types import Muscle

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

LEAST_RANGE = 0.05  # of true activation in a channel; less gives no correlation
LEAST_VALUES = 2
LOW_PERCENT = 10.0  # of the correlations: what a bad channel is like


def figures(records: Sequence[EmgRecord], seed: int) -> dict[str, Any]:
    """Return all figures of the benchmark; the keys are described in ``docs/commands.md``."""
    muscles = sorted({parse_label(label).muscle for r in records for label in r.labels})
    by = {
        "kind": [r.kind for r in records],
        "condition": [r.info.condition for r in records],
        "exercise": [r.info.exercise for r in records],
    }
    return {
        "seed": seed,
        **summarise(records, intervals=True),
        "per_muscle": {m.name.lower(): summarise(records, m) for m in muscles},
        **{
            f"per_{key}": {
                name: summarise([records[k] for k in members])
                for name, members in groups(labels).items()
            }
            for key, labels in by.items()
        },
        "per_fault": per_fault(records),
        "peers": peers(records),
    }


def summarise(
    records: Sequence[EmgRecord], muscle: Muscle | None = None, intervals: bool = False
) -> Summary:
    """Return the figures of some recordings, of all channels or of those of one muscle.

    - ``envelope_r``: mean over channels of the correlation of the activation with the true drive,
      at the pipeline's own instants, in every channel and recording whose true drive moves by
      5 % MVC or more; faulty instants and unknown ones are left out, a constant has 0.
      ``envelope_r_p10`` is its 10th percentile, ``.._with_faults`` counts the values that were
      given while the channel was faulty, ``envelope_r_none`` the channels without any value.
    - ``onset_mae_ms``: mean distance of the onsets found from the true ones (drive passes rest +
      2 % MVC), paired within 0.3 s; bursts that rise by less than 5 % MVC are not asked for.
      ``onset_from_start_mae_ms`` is the same from the instant at which the drive begins to rise,
      which is known of rapid contractions. ``onsets_missed``, ``onsets_false``: without a partner;
      of the false ones ``onsets_false_by_cross_talk`` are where the electrode truly picks up 2 %
      MVC more than at rest, from a neighbour or in the middle of the muscle's own burst.
    - ``fatigue_sign_share``: of the channels of tiring sets whose true median frequency falls by
      3 Hz or more, the share whose slope is known and negative at the end of the effort.
    - ``faulty_channel_recall``: of the faulty stretches of channels, the share that is marked
      unusable for at least half of its time. ``faulty_channel_false``: of the time of sound
      channels more than 1 s from a fault or from a movement that shakes the leads, and after the
      first 1.5 s, the share that is marked.
      ``faulty_given_share``: of the faulty instants, the share that got a value all the same.
    - ``within_1_sigma``, ``within_2_sigma``: where the channel is sound.
    """
    channels = [_columns(r, muscle) for r in records]
    resampled = Resampled([1] * len(records)) if intervals else None
    ours = [r.ours.of(c) for r, c in zip(records, channels, strict=True)]
    naive = [r.traces[NAIVE].of(c) for r, c in zip(records, channels, strict=True)]
    seconds = [r.seconds for r in records]
    return {
        "recordings": len(records),
        "seconds": rounded(sum(seconds), 1),
        **accuracy(ours, seconds, resampled),
        **_honesty(ours),
        **_faults(records, channels, resampled),
        **_fatigue(records, channels, resampled),
        "recordings_with_mvc_problems": sum(bool(r.mvc_problems) for r in records),
        **{f"naive_{k}": v for k, v in accuracy(naive, seconds, resampled).items()},
    }


def _columns(record: EmgRecord, muscle: Muscle | None) -> list[int]:
    return [
        k for k, label in enumerate(record.labels)
        if muscle is None or parse_label(label).muscle == muscle
    ]  # fmt: skip


def accuracy(
    traces: Sequence[Trace], seconds: Sequence[float], resampled: Resampled | None = None
) -> Summary:
    """Return the figures of one method that any method has; see `summarise`."""
    error = 100.0 * np.concatenate(
        [np.where(t.faulty, np.nan, t.value - t.truth).ravel() for t in traces]
    )
    own = [_correlations(t, faulty_too=False) for t in traces]
    joined = np.concatenate(own)
    all_too = np.concatenate([_correlations(t, faulty_too=True) for t in traces])
    out: Summary = {
        "envelope_mae_pct_mvc": statistic(lambda v: np.abs(v).mean(), error, 2),
        "envelope_rmse_pct_mvc": statistic(rms, error, 2),
        "envelope_bias_pct_mvc": statistic(np.mean, error, 2),
        "envelope_r": statistic(np.mean, joined, 4),
        "envelope_r_p10": statistic(lambda v: np.percentile(v, LOW_PERCENT), joined, 4),
        "envelope_r_with_faults": statistic(np.mean, all_too, 4),
        "envelope_r_with_faults_p10": statistic(
            lambda v: np.percentile(v, LOW_PERCENT), all_too, 4
        ),
        "envelope_r_channels": int(np.isfinite(joined).sum()),
        "envelope_r_none": int(np.isnan(joined).sum()),
    }
    for kind in ("onset", "offset"):
        events = [getattr(t, f"{kind}s") for t in traces]
        late_ms = [e.late_s * 1000.0 for e in events]
        start_ms = np.concatenate([e.start_late_s for e in events]) * 1000.0
        every = np.concatenate(late_ms)
        out[f"{kind}_mae_ms"] = statistic(lambda v: np.abs(v).mean(), every, 1)
        out[f"{kind}_median_ms"] = statistic(np.median, every, 1)
        out[f"{kind}_p90_ms"] = statistic(lambda v: np.percentile(np.abs(v), 90.0), every, 1)
        if kind == "onset":
            out["onset_from_start_mae_ms"] = statistic(lambda v: np.abs(v).mean(), start_ms, 1)
            out["onset_from_start_median_ms"] = statistic(np.median, start_ms, 1)
        out[f"{kind}s"] = sum(e.true for e in events)
        out[f"{kind}s_missed"] = sum(e.missed for e in events)
        out[f"{kind}s_false"] = sum(e.false for e in events)
        out[f"{kind}s_false_by_cross_talk"] = sum(e.false_by_cross_talk for e in events)
        if resampled:
            out[f"{kind}_mae_ms_ci95"] = resampled.mean_of([np.abs(v) for v in late_ms], 1)
    if resampled:
        out["envelope_r_ci95"] = resampled.mean_of(own, 4)
    took_s = sum(t.took_s for t in traces)
    out["ms_per_second_of_signal"] = rounded(1000.0 * took_s / sum(seconds), 2)
    return out


def _correlations(trace: Trace, faulty_too: bool) -> Array:
    """Return the correlation with the truth of each channel whose truth moves; nan without one."""
    found = [correlation(trace, k, faulty_too) for k in range(trace.value.shape[1])]
    return np.array([r for r in found if r is not None], float)


def correlation(trace: Trace, k: int, faulty_too: bool = False) -> float | None:
    """Return how one channel correlates with the truth.

    None where the truth does not move, nan where there is no value, 0 for values that do not move.
    """
    value, truth = trace.value[:, k], trace.truth[:, k]
    asked = np.ones(len(truth), bool) if faulty_too else ~trace.faulty[:, k]
    if not asked.any() or np.ptp(truth[asked]) < LEAST_RANGE:
        return None
    kept = np.isfinite(value) & asked
    if kept.sum() < LEAST_VALUES:
        return float("nan")
    if np.ptp(value[kept]) == 0.0 or np.ptp(truth[kept]) == 0.0:
        return 0.0
    return float(np.corrcoef(value[kept], truth[kept])[0, 1])


def _honesty(traces: Sequence[Trace]) -> Summary:
    error = np.concatenate(
        [((t.value - t.truth) / t.sigma)[np.isfinite(t.sigma) & ~t.faulty] for t in traces]
    )
    unknown = np.concatenate([np.isnan(t.value).ravel() for t in traces])
    faulty = np.concatenate([t.faulty.ravel() for t in traces])
    return {
        "within_1_sigma": rounded(metrics.covered_share(error**2, ONE_SIGMA, 1), 4),
        "within_2_sigma": rounded(metrics.covered_share(error**2, TWO_SIGMA, 1), 4),
        "unknown_share": rounded(float(unknown.mean()), 4) if unknown.size else None,
        "wrongly_unknown_share": _share(float((unknown & ~faulty).sum()), float((~faulty).sum())),
        "faulty_unknown_share": _share(float((unknown & faulty).sum()), float(faulty.sum())),
    }


def _faults(
    records: Sequence[EmgRecord], channels: Sequence[list[int]], resampled: Resampled | None
) -> Summary:
    stretches = _stretches(records, channels)
    found = np.array([sum(s.found for s in own) for own in stretches], float)
    there = np.array([len(own) for own in stretches], float)
    counts = np.array(
        [
            [getattr(r.faults, name)[c].sum() for name in ("marked", "sound", "given", "faulty")]
            for r, c in zip(records, channels, strict=True)
        ],
        float,
    ).reshape(-1, 4)
    marked, sound, given, faulty = counts.T
    out: Summary = {
        "faulty_stretches": int(there.sum()),
        "faulty_channel_recall": _share(found.sum(), there.sum()),
        "faulty_channel_false": _share(marked.sum(), sound.sum()),
        "faulty_given_share": _share(given.sum(), faulty.sum()),
    }
    if resampled:
        out["faulty_channel_recall_ci95"] = resampled.ratio(found, there, 4)
        out["faulty_channel_false_ci95"] = resampled.ratio(marked, sound, 4)
        out["faulty_given_share_ci95"] = resampled.ratio(given, faulty, 4)
    return out


def _stretches(records: Sequence[EmgRecord], channels: Sequence[list[int]]) -> list[list[Stretch]]:
    return [
        [s for s in r.faults.stretches if s.channel in c]
        for r, c in zip(records, channels, strict=True)
    ]


def _fatigue(
    records: Sequence[EmgRecord], channels: Sequence[list[int]], resampled: Resampled | None
) -> Summary:
    tired = [
        [s for s in r.slopes if s.channel in c and s.counts]
        for r, c in zip(records, channels, strict=True)
    ]
    every = [s for own in tired for s in own]
    right = np.array([sum(s.right for s in own) for own in tired], float)
    there = np.array([len(own) for own in tired], float)
    error = np.array([s.found_hz_s - s.true_hz_s for s in every], float)
    sigma = np.array([s.sigma_hz_s for s in every], float)
    out: Summary = {
        "fatigue_channels": len(every),
        "fatigue_sign_share": _share(right.sum(), there.sum()),
        "fatigue_unknown": int(np.isnan(error).sum()),
        "fatigue_slope_mae_hz_s": statistic(lambda v: np.abs(v).mean(), error, 4),
        "fatigue_slope_bias_hz_s": statistic(np.mean, error, 4),
        "fatigue_within_2_sigma": rounded(
            metrics.covered_share(((error / sigma) ** 2)[np.isfinite(error)], TWO_SIGMA, 1), 4
        ),
        "naive_fatigue_sign_share": _share(sum(s.peer_hz_s < 0.0 for s in every), len(every)),
        "naive_fatigue_slope_mae_hz_s": statistic(
            lambda v: np.abs(v).mean(), _peer_errors(every), 4
        ),
    }
    if resampled:
        out["fatigue_sign_share_ci95"] = resampled.ratio(right, there, 4)
    return out


def _peer_errors(slopes: Iterable[Slope]) -> Array:
    return np.array([s.peer_hz_s - s.true_hz_s for s in slopes], float)


def per_fault(records: Sequence[EmgRecord]) -> dict[str, Summary]:
    """Return how each kind of fault was found."""
    every = [s for r in records for s in r.faults.stretches]
    return {
        name: {
            "stretches": len(members),
            "found": sum(every[k].found for k in members),
            "recall": _share(sum(every[k].found for k in members), len(members)),
            "marked_share": _share(
                sum(every[k].marked * every[k].seconds for k in members),
                sum(every[k].seconds for k in members),
            ),
        }
        for name, members in groups(s.contact for s in every).items()
    }


def peers(records: Sequence[EmgRecord]) -> dict[str, Any]:
    """Return every method's figures on the recordings that all of them were run on.

    NeuroKit2 needs as long for a recording as everything else for seven, so that it is run on
    the first recordings only.
    """
    shared = [r for r in records if all(name in r.traces for name in NEEDS_NEUROKIT)]
    chosen = shared or list(records)
    seconds = [r.seconds for r in chosen]
    out: dict[str, Any] = {"recordings": len(chosen)}
    for name in (OURS, NAIVE, *NEEDS_NEUROKIT):
        there = all(name in r.traces for r in chosen)
        traces = [r.traces[name] for r in chosen] if there else []
        out[name] = accuracy(traces, seconds) if there else NOT_INSTALLED
    return out


def _share(part: float, whole: float) -> float | None:
    return rounded(float(part) / float(whole), 4) if whole else None


def measured(drawn: Sequence[Any], jobs: int, with_neurokit: int) -> list[EmgRecord]:
    """Run recordings, the first ones through NeuroKit2 too, if it is there.

    Parameters
    ----------
    drawn : sequence of EmgCase
    jobs : int
    with_neurokit : int
        How many.
    """
    both = (NAIVE, *NEEDS_NEUROKIT) if neurokit_installed() else (NAIVE,)
    items = [(case, both if k < with_neurokit else (NAIVE,)) for k, case in enumerate(drawn)]
    return cases.work_off(_run, items, jobs)


def _run(item: tuple[Any, Sequence[str]]) -> EmgRecord:
    return run_recording(*item)


def main(arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure as the options say."""
    options.check(arguments, arguments.recordings)
    drawn = cases.draw("emg", arguments.seed, arguments.recordings)
    records = measured(drawn, arguments.jobs, arguments.peer_recordings)
    result = figures(records, arguments.seed)
    if arguments.page:
        from lbp_rehab.bench import emg_page  # noqa: PLC0415

        emg_page.write(arguments.page, records, result, arguments)
    return result


# Figure, what it is called, decimals, unit, whether a percentage, whether peers have it.
HEADLINE = (
    ("envelope_r", "envelope, correlation with the drive", 3, "", False),
    ("envelope_r_p10", "its 10th percentile", 3, "", False),
    ("envelope_mae_pct_mvc", "envelope, mean absolute error", 1, "% MVC", False),
    ("onset_mae_ms", "onset, mean absolute error", 1, "ms", False),
    ("onset_median_ms", "onset, median (late: positive)", 1, "ms", False),
    ("onsets", "onsets", 0, "", False),
    ("onsets_missed", "onsets missed", 0, "", False),
    ("onsets_false", "onsets false", 0, "", False),
    ("onsets_false_by_cross_talk", "of them where a neighbour is heard", 0, "", False),
    ("offset_mae_ms", "offset, mean absolute error", 1, "ms", False),
    ("fatigue_sign_share", "fatigue slope of the right sign", 1, "", True),
    ("fatigue_unknown", "of them unknown", 0, "", False),
    ("faulty_channel_recall", "faulty stretches found", 1, "", True),
    ("faulty_channel_false", "sound time marked faulty", 2, "", True),
    ("faulty_given_share", "faulty instants with a value all the same", 1, "", True),
    ("within_1_sigma", "truth within 1 sigma (68.3 % is honest)", 1, "", True),
    ("within_2_sigma", "truth within 2 sigma (95.4 % is honest)", 1, "", True),
    ("ms_per_second_of_signal", "time a second of signal (12 channels)", 1, "ms", False),
)


def headline(result: dict[str, Any]) -> list[str]:
    """Return the table of the main figures, ours beside the plain SciPy chain's."""
    rows = [
        [
            name,
            *(
                ranged(result, k, digits, unit, percent) if k in result else ""
                for k in (key, f"naive_{key}")
            ),
        ]
        for key, name, digits, unit, percent in HEADLINE
    ]
    return table(["", "ours", "plain SciPy"], rows)


def peer_table(result: dict[str, Any]) -> list[str]:
    """Return all methods side by side on the same recordings."""
    both = result["peers"]
    names = {OURS: "ours", NAIVE: "plain SciPy", NEEDS_NEUROKIT[0]: "NeuroKit2",
             NEEDS_NEUROKIT[1]: "NeuroKit2, tuned"}  # fmt: skip
    rows = []
    for key, name, digits, unit, percent in HEADLINE:
        if key in both[OURS]:
            cells = [
                both[m] if both[m] == NOT_INSTALLED else number(both[m][key], digits, unit, percent)
                for m in names
            ]
            rows.append([name, *cells])
    return table([f"{both['recordings']} recordings", *names.values()], rows)


def text(result: dict[str, Any]) -> str:
    """Return the headline for the screen."""
    kinds = [
        [
            name, number(f["envelope_r"], 3), number(f["onset_mae_ms"], 1), str(f["onsets"]),
            str(f["onsets_missed"]), str(f["onsets_false"]),
        ]
        for key in ("per_kind", "per_condition") for name, f in result[key].items()
    ]  # fmt: skip
    head = ["", "r", "onset MAE [ms]", "onsets", "missed", "false"]
    return "\n".join([*headline(result), *table(head, kinds), *peer_table(result)])
