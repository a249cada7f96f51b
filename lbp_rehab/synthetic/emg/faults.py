"""Faults of electrodes at random: which, when, and for how long what is wrong can be seen."""

from __future__ import annotations

from collections.abc import Callable, Collection

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.synthetic.draws import Draws
from lbp_rehab.synthetic.emg.electrodes import Contact, Loose
from lbp_rehab.synthetic.emg.recruitment import LABELS

Array = NDArray[np.float64]
Power = Callable[[Array], Array]

FAULTS_STREAM = 37
_LENGTH_S = (2.0, 15.0)
_SWING_V = (0.3e-3, 3e-3)
_WORSE = (10.0, 50.0)  # noise and mains of an electrode whose one pole dries
# Where a signal is cut off, of its RMS while the muscle works: 55 to 11 % of the samples are cut.
_CLIP_RMS = (0.6, 1.6)
# Of events: from the first sample on; and of these, through the whole trial; in the trial.
_FROM_START, _NEVER_ON, _IN_TRIAL = 0.15, 0.5, 0.2
_GRID_S = 0.02
# There a signal can be cut: of the channel's highest RMS in the movement (or in the trial), and of
# its highest at all.
_WORKING, _LEAST_WORK = 0.4, 0.06
_CUT_RMS = 0.5  # of the limit: an RMS at which 4.6 % of the samples are cut
_PAUSE_S = 0.5  # shorter breaks of the cutting belong to it
_LEAST_S = 1.0


def random_faults(
    draws: Draws,
    amount: int,
    ends_s: tuple[float, float],
    own_rms_v: Power,
    taken: Collection[str] = (),
) -> tuple[Loose, ...]:
    """Return faults of as many channels, the kinds of `Contact` in turn.

    Parameters
    ----------
    draws : Draws
    amount : int
    ends_s : tuple of float
        Of the recording; the movement begins at 0, before it lies the trial, if any.
    own_rms_v : callable
        Times (n,) -> RMS of each muscle's own signal (n, 12), which decides where a signal can be
        cut off.
    taken : collection of str
        Channels that have a fault already.
    """
    free = [k for k in draws.rng.permutation(len(LABELS)) if LABELS[k] not in taken]
    kinds = [Contact(int(k)) for k in draws.rng.permutation(len(Contact))]
    t_s = np.arange(*ends_s, _GRID_S)
    rms_v = own_rms_v(t_s)
    found = []
    for place in range(min(amount, len(free))):
        kind = kinds[place % len(kinds)]
        length_s = draws.uniform(*_LENGTH_S)
        # A gain is too high where the muscle works.
        working = (
            [c for c in free if _working(t_s, rms_v[:, c], t_s >= 0.0)]
            if kind == Contact.CLIPPED
            else []
        )
        k = (working or free)[0]
        free.remove(k)
        if kind == Contact.CLIPPED:
            found.append(_clipped(draws, LABELS[k], t_s, rms_v[:, k], length_s))
            continue
        begin_s, stop_s = _place(draws, ends_s, length_s, kind != Contact.MOVING)
        size = 0.0
        if kind == Contact.MOVING:
            size = float(np.exp(draws.uniform(*np.log(_SWING_V))))
        elif kind == Contact.HALF_OFF:
            size = draws.uniform(*_WORSE)
        found.append(Loose(LABELS[k], begin_s, stop_s, kind, size))
    return tuple(found)


def _place(
    draws: Draws, ends_s: tuple[float, float], length_s: float, may_last: bool
) -> tuple[float, float]:
    start_s, end_s = ends_s
    where = float(draws.rng.uniform())
    share, long = draws.quantile(), draws.flip(_NEVER_ON) and may_last
    if where < _FROM_START:
        # An electrode that was never on is put on some seconds into the movement.
        return start_s, (0.0 if long else start_s) + length_s
    if where < _FROM_START + _IN_TRIAL and -start_s > length_s:
        begin_s = start_s + share * (-start_s - length_s)
    else:
        length_s = min(length_s, 0.8 * end_s)
        begin_s = share * (end_s - length_s)
    return begin_s, begin_s + length_s


def _clipped(draws: Draws, label: str, t_s: Array, rms_v: Array, length_s: float) -> Loose:
    """Return a channel cut off while its muscle works: mostly in the movement, else the trial."""
    trial = draws.flip(_IN_TRIAL)
    for inside in (t_s < 0.0, t_s >= 0.0) if trial else (t_s >= 0.0, t_s < 0.0):
        spans = _working(t_s, rms_v, inside)
        if spans:
            break
    else:
        spans = _spans(rms_v >= 0.99 * rms_v.max())
    first, last = spans[int(draws.rng.integers(len(spans)))]
    last = min(last, first + max(round(length_s / _GRID_S), 1))
    limit = draws.uniform(*_CLIP_RMS) * float(np.median(rms_v[first:last]))
    return Loose(label, float(t_s[first]), float(t_s[last]), Contact.CLIPPED, limit)


def _working(t_s: Array, rms_v: Array, inside: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return the spans of 2 s or more in which a muscle works enough for its signal to be cut."""
    if not inside.any():
        return []
    least = max(_WORKING * rms_v[inside].max(), _LEAST_WORK * rms_v.max())
    spans = _spans(inside & (rms_v > least))
    return [s for s in spans if t_s[s[1]] - t_s[s[0]] >= _LENGTH_S[0]]


def _spans(true: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return first and last index of each run, the last one not beyond the array."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], true.astype(int), [0]])))
    return [(a, min(b, len(true) - 1)) for a, b in edges.reshape(-1, 2).tolist() if b > a]


def spoiled_spans(event: Loose, own_rms_v: Power) -> tuple[tuple[float, float], ...]:
    """Return when a faulty channel truly measures wrongly within its event.

    That is all of the event, but of a clipped channel it is while the muscle's RMS is at least half
    of the limit, so that 4.6 % or more of the samples are cut; breaks of up to 0.5 s included,
    what is shorter than 1 s left out.
    """
    if event.contact != Contact.CLIPPED:
        return ((event.start_s, event.end_s),)
    t_s = np.arange(event.start_s, event.end_s, _GRID_S)
    high = own_rms_v(t_s)[:, LABELS.index(event.label)] >= _CUT_RMS * event.size
    merged: list[tuple[float, float]] = []
    for first, last in _spans(high):
        begin_s, end_s = float(t_s[first]), float(t_s[last])
        if merged and begin_s - merged[-1][1] <= _PAUSE_S:
            begin_s = merged.pop()[0]
        merged.append((begin_s, end_s))
    return tuple(span for span in merged if span[1] - span[0] >= _LEAST_S)
