"""The page ``emg.md``: what ``lbp-rehab bench emg`` found, for an engineer of a lab."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from lbp_rehab.bench import plots
from lbp_rehab.bench.emg import correlation, headline, peer_table
from lbp_rehab.bench.emg_faults import LEAST_FALL_HZ
from lbp_rehab.bench.emg_peers import NAIVE
from lbp_rehab.bench.emg_run import EmgRecord
from lbp_rehab.bench.figures import Summary
from lbp_rehab.bench.page import INTERVALS, machine, number, table, write_page

Array = NDArray[np.float64]

SHOWN_S = 40.0  # of an example
_LATE_MS = 300.0


def write(
    folder: Path,
    records: Sequence[EmgRecord],
    result: dict[str, Any],
    arguments: argparse.Namespace,
) -> None:
    """Write ``emg.md`` with its plots into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    _plot_envelopes(folder / "emg_envelopes.png", records)
    _plot_onsets(folder / "emg_onsets.png", records)
    _plot_fatigue(folder / "emg_fatigue.png", records)
    _plot_faults(folder / "emg_faults.png", result)
    lines = [
        "# Surface EMG on synthetic patients",
        "",
        f"{result['recordings']} recordings of 12 channels, {result['seconds'] / 60.0:.0f} minutes "
        "with their trials of maximal contractions, each of another synthetic person with "
        "electrodes of their own: cross-talk of 8 %, the heart, drift, motion artefacts, noise of "
        "1 to 4 µV, mains of 50 or 60 Hz that is off by up to 0.1 Hz. The truth is the drive of "
        "each muscle, and exact. People and electrodes come from ranges that tuning never draws "
        "from. Synthetic muscles are not patients: the figures compare methods and find faults, "
        "they do not promise the same error in a clinic. This page was written by the command:",
        "",
        "```",
        f"lbp-rehab bench emg --seed {arguments.seed} --recordings {arguments.recordings} "
        f"--peer-recordings {arguments.peer_recordings} --jobs {arguments.jobs} "
        f"--page {arguments.page}",
        "```",
        f"Another `--seed` re-draws everything. Measured on {machine()}.",
        "",
        "## Headline",
        f"{INTERVALS.replace('clips', 'recordings')} {result['recordings']} recordings.",
        "",
        *headline(result),
        *_meaning(result),
        "## Side by side with NeuroKit2",
        "The same signals through all methods. The peers work offline on the whole recording and "
        "are told the true mains frequency and when each muscle is truly at rest; ours runs chunk "
        "by chunk and is told nothing. NeuroKit2 as it comes is `emg_clean`, `emg_amplitude` and "
        "`emg_activation` with the mixture model; tuned it works at 1 kHz, for which its amplitude "
        "is made, switches at mean + 3 SD of the true rest for at least 50 ms, and the root is "
        "taken of its amplitude, which is an energy. Both get microvolts. All are scaled by the "
        "highest half second of the same trial.",
        "",
        *peer_table(result),
        "## By kind, condition, muscle and exercise",
        *[
            line
            for key in ("kind", "condition", "muscle", "exercise")
            for line in _groups(key, result[f"per_{key}"])
        ],
        "## Envelopes",
        "![Activation and true drive](emg_envelopes.png)",
        "",
        "Of each kind the channel with the median correlation and the one with the lowest. Grey: "
        "the true drive; blue: ours; orange: the plain SciPy chain; red: the electrode is faulty.",
        "",
        "## Onsets",
        "![Errors of onsets](emg_onsets.png)",
        "",
        "Found less true time of the onsets that were paired, the true one being where the drive "
        "passes rest + 2 % MVC.",
        "",
        "## Fatigue",
        "![Fatigue slopes](emg_fatigue.png)",
        "",
        f"Each dot is a channel of a tiring set whose true median frequency falls by "
        f"{LEAST_FALL_HZ:g} Hz or more; below the line at 0 the sign is right.",
        "",
        "## Faulty electrodes",
        "![Faults found](emg_faults.png)",
        "",
        *_per_fault(result["per_fault"]),
    ]
    write_page(folder / "emg.md", lines)


def _meaning(result: dict[str, Any]) -> list[str]:
    return [
        "- **Recordings**: all 13 exercises at the patient's own pace, rapid contractions at go "
        "signals (Hodges and Richardson 1996: bursts of 10 to 60 % MVC that rise within 30 to "
        "150 ms), and tiring sets (Biering-Sorensen, plank and bridge holds of 45 to 90 s, back "
        "extensions for 90 s), half of them exercises. Conditions: clear; faulty electrodes, 3 to "
        "5 of the 12 for 2 to 15 s, in the trial too or from the beginning; strong mains (2 to 4 "
        "times the usual) and heart.",
        "- **Correlation**: of the activation with the true drive, of every channel whose drive "
        "moves by 5 % MVC or more, at the pipeline's instants; mean over channels. Faulty and "
        f"unknown instants are left out; with the faulty ones it is "
        f"{number(result['envelope_r_with_faults'], 3)}. {result['envelope_r_none']} of "
        f"{result['envelope_r_none'] + result['envelope_r_channels']} channels had no value at "
        "all, mostly for want of a calibration.",
        "- **Onset**: the true one is where the drive passes rest + 2 % MVC. Found and true ones "
        "are paired if within 0.3 s. A burst that rises by less than 5 % MVC is neither missed nor "
        "false (cross-talk of 8 % from a hard-working neighbour makes as much), one within 1 s of "
        "a fault is not asked for, and pauses of less than 0.1 s are none. Of rapid contractions "
        "the drive's own beginning is known too: the error from there is "
        f"{number(result['onset_from_start_mae_ms'], 1, 'ms')}.",
        "- **Fatigue**: channels of tiring sets whose true median frequency falls by "
        f"{LEAST_FALL_HZ:g} Hz or more; right is a slope that is known and negative at the end of "
        "the effort. The plain chain is told when the effort begins and ends.",
        "- **Faulty stretches**: found if the channel is unusable (its envelope unknown) for half "
        "of the stretch or more. Clipping counts while 4.6 % or more of the samples are cut. "
        "**Sound time**: more than 1 s from a fault, after the first 1.5 s.",
        "- **Within sigma**: of the activations of sound channels.",
        "- **Plain SciPy**: band-pass 20 to 450 Hz and notches forwards and backwards, rectified, "
        "mean over 100 ms, onset at mean + 3 SD of the true rest for 50 ms, put right by half the "
        "window.",
        "",
    ]


def _groups(name: str, groups: dict[str, Summary]) -> list[str]:
    head = [name, "recordings", "r", "r, 10 %", "r, plain", "onset MAE [ms]", "plain", "missed",
            "false", "of", "fatigue sign", "faults found", "sound marked"]  # fmt: skip
    rows = [
        [
            group, str(f["recordings"]), number(f["envelope_r"], 3),
            number(f["envelope_r_p10"], 3), number(f["naive_envelope_r"], 3),
            number(f["onset_mae_ms"]), number(f["naive_onset_mae_ms"]), str(f["onsets_missed"]),
            str(f["onsets_false"]), str(f["onsets"]),
            number(f["fatigue_sign_share"], 0, percent=True),
            number(f["faulty_channel_recall"], 0, percent=True),
            number(f["faulty_channel_false"], 2, percent=True),
        ]
        for group, f in groups.items()
    ]  # fmt: skip
    return table(head, rows)


def _per_fault(faults: dict[str, Summary]) -> list[str]:
    names = {
        "flat": "nothing at all", "rail": "at the rail", "mains": "off, an aerial for the mains",
        "clipped": "clipped by too high a gain", "moving": "a pulled cable",
        "half_off": "one pole dries",
    }  # fmt: skip
    rows = [
        [names.get(name, name), str(f["stretches"]), str(f["found"]),
         number(f["marked_share"], 0, percent=True)]
        for name, f in faults.items()
    ]  # fmt: skip
    return table(["fault", "stretches", "found", "of their time marked"], rows)


def _plot_envelopes(path: Path, records: Sequence[EmgRecord]) -> None:
    kinds = sorted({r.kind for r in records})
    drawn, axes = plots.figure(len(kinds), 2, 12, 2.5 * len(kinds))
    for row, kind in enumerate(kinds):
        every = sorted(
            (r_value, i, k)
            for i, r in enumerate(records)
            if r.kind == kind
            for k in range(len(r.labels))
            if (r_value := correlation(r.ours, k)) is not None and np.isfinite(r_value)
        )
        for column, place in enumerate((len(every) // 2, 0)):
            axis = axes[2 * row + column]
            if every:
                value, i, k = every[place]
                _example(axis, records[i], k, value, "median" if column == 0 else "lowest")
    axes[0].legend(frameon=False, fontsize=7, loc="upper right", ncols=3)
    plots.save(drawn, path)


def _example(axis: Axes, record: EmgRecord, k: int, r_value: float, which: str) -> None:
    ours, peer = record.ours, record.traces[NAIVE]
    zero = int(ours.stamp_ns[0])
    t_s, peer_s = ((t.stamp_ns - zero) / 1e9 for t in (ours, peer))
    axis.fill_between(t_s, 100 * ours.truth[:, k], color="#bbbbbb", lw=0, label="true drive")
    axis.plot(peer_s, 100 * peer.value[:, k], color=plots.ORANGE, lw=0.7, label="plain SciPy")
    axis.plot(t_s, 100 * ours.value[:, k], color=plots.BLUE, lw=1.1, label="ours")
    top = 130.0 * max(float(ours.truth[:, k].max()), 0.02)
    axis.fill_between(
        t_s, 0, top, where=ours.faulty[:, k].tolist(), color="#cc0000", alpha=0.2, lw=0
    )
    axis.set(xlim=(0, min(SHOWN_S, t_s[-1])), ylim=(0, top), xlabel="s", ylabel="% MVC")
    title = f"{record.kind}, {which}: {record.info.exercise}, {record.labels[k]}, r {r_value:.2f}"
    axis.set_title(f"{title}\n{record.info.condition}", fontsize=8)


def _plot_onsets(path: Path, records: Sequence[EmgRecord]) -> None:
    kinds = sorted({r.kind for r in records})
    drawn, axes = plots.figure(1, len(kinds), 4 * len(kinds), 3.4)
    edges = np.linspace(-_LATE_MS, _LATE_MS, 61)
    for axis, kind in zip(axes, kinds, strict=True):
        own = [r for r in records if r.kind == kind]
        texts = []
        for name, get, colour in (
            ("ours", lambda r: r.ours, plots.BLUE),
            ("plain SciPy", lambda r: r.traces[NAIVE], plots.ORANGE),
        ):
            events = [get(r).onsets for r in own]
            late = 1000.0 * np.concatenate([e.late_s for e in events])
            axis.hist(late, edges.tolist(), histtype="step", color=colour, lw=1.6, label=name)
            true, missed = sum(e.true for e in events), sum(e.missed for e in events)
            false = sum(e.false for e in events)
            texts.append(f"{name}: {missed} of {true} missed, {false} false")
        axis.axvline(0.0, color=plots.GREY, lw=0.8)
        axis.set(xlabel="found less true [ms]", ylabel="onsets")
        axis.set_title("\n".join([kind, *texts]), fontsize=8)
        axis.legend(frameon=False)
    plots.save(drawn, path)


def _plot_fatigue(path: Path, records: Sequence[EmgRecord]) -> None:
    drawn, axes = plots.figure(1, 2, 9, 4)
    slopes = [s for r in records for s in r.slopes if s.counts]
    true = np.array([s.true_hz_s for s in slopes], float)
    ours = np.array([s.found_hz_s for s in slopes], float)
    peer = np.array([s.peer_hz_s for s in slopes], float)
    sigma = np.array([s.sigma_hz_s for s in slopes], float)
    for axis, found, error, colour, name in (
        (axes[0], ours, sigma, plots.BLUE, "ours"),
        (axes[1], peer, None, plots.ORANGE, "plain SciPy"),
    ):
        axis.errorbar(true, found, error, fmt="o", color=colour, ms=4, lw=0.7, alpha=0.7)
        ends = (1.1 * float(true.min()) if true.size else -1.0, 0.0)
        axis.plot(ends, ends, color=plots.GREY, lw=1, ls=":")
        axis.axhline(0.0, color="k", lw=0.8)
        right, unknown = int((found < 0).sum()), int(np.isnan(found).sum())
        axis.set(xlabel="true slope [Hz/s]", ylabel="slope given [Hz/s]")
        axis.set_title(f"{name}: {right} of {len(found)} right, {unknown} unknown", fontsize=9)
    plots.save(drawn, path)


def _plot_faults(path: Path, result: dict[str, Any]) -> None:
    drawn, axes = plots.figure(1, 2, 10, 3.6)
    faults = result["per_fault"]
    names = list(faults)
    place = np.arange(len(names))
    found = np.array([faults[n]["found"] for n in names], float)
    missed = np.array([faults[n]["stretches"] for n in names], float) - found
    axes[0].barh(place, found, color=plots.BLUE, label="found")
    axes[0].barh(place, missed, left=found, color=plots.ORANGE, hatch="///", edgecolor="w",
                 label="not found")  # fmt: skip
    axes[0].set_yticks(place, names)
    axes[0].set(xlabel="faulty stretches")
    axes[0].set_title("marked for at least half of the stretch", fontsize=9)
    axes[0].legend(frameon=False)
    given, false = result["faulty_given_share"], result["faulty_channel_false"]
    shares = np.array([
        [1.0 - false if false is not None else np.nan, false or 0.0],
        [given if given is not None else np.nan, 1.0 - given if given is not None else 0.0],
    ])  # fmt: skip
    axes[1].imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for (i, j), value in np.ndenumerate(shares):
        colour = "w" if value > 0.5 else "k"
        axes[1].text(j, i, f"{100 * value:.1f} %", ha="center", va="center", color=colour)
    axes[1].set_xticks([0, 1], ["given a value", "marked unusable"])
    axes[1].set_yticks([0, 1], ["sound", "faulty"])
    axes[1].grid(visible=False)
    axes[1].set_title("channel-time: true state against what was said", fontsize=9)
    plots.save(drawn, path)
