"""Which message of one recording is which of the other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Row:
    """A message of a topic.

    Attributes
    ----------
    stamp_ns : int
        Its header's stamp; the log time where it has no header.
    log_ns : int
    data : bytes
    about : tuple of str
        What tells messages of one stamp apart, such as whose diagnostics they are.
    """

    stamp_ns: int
    log_ns: int
    data: bytes = field(repr=False)
    about: tuple[str, ...] = ()


Pair = tuple[Row | None, Row | None]  # golden, new; None: it has no partner


def pairs(
    golden: Sequence[Row],
    new: Sequence[Row],
    within_ns: int = 0,
    alike: Callable[[Row, Row], bool] = lambda _a, _b: True,
) -> list[Pair]:
    """Return all messages of both, each once, in the order of their stamps.

    Those of the same stamp are partners, in the order in which they came. Of the rest each is
    paired with the nearest within a span of time, those that are alike first.

    Parameters
    ----------
    golden, new : sequence of Row
    within_ns : int
        0: only the same stamps.
    alike : callable
        Whether two messages are about the same thing, such as the same repetition.
    """
    waiting: dict[tuple[int, tuple[str, ...]], list[Row]] = defaultdict(list)
    for row in reversed(new):
        waiting[row.stamp_ns, row.about].append(row)
    found: list[Pair] = []
    left: list[Row] = []
    for row in golden:
        if same := waiting[row.stamp_ns, row.about]:
            found.append((row, same.pop()))
        else:
            left.append(row)
    rest = sorted(
        (r for rows in waiting.values() for r in reversed(rows)), key=lambda r: r.stamp_ns
    )
    if within_ns:
        left.sort(key=lambda row: row.stamp_ns)
        near, left, rest = _nearest(left, rest, within_ns, alike)
        found += near
    found += [(row, None) for row in left] + [(None, row) for row in rest]
    return sorted(found, key=lambda p: min(r.stamp_ns for r in p if r is not None))


def _nearest(
    golden: list[Row], new: list[Row], within_ns: int, alike: Callable[[Row, Row], bool]
) -> tuple[list[Pair], list[Row], list[Row]]:
    candidates = []
    first = 0
    for i, a in enumerate(golden):
        while first < len(new) and new[first].stamp_ns < a.stamp_ns - within_ns:
            first += 1
        for j in range(first, len(new)):
            apart = new[j].stamp_ns - a.stamp_ns
            if apart > within_ns:
                break
            candidates.append((not alike(a, new[j]), abs(apart), i, j))
    partner: dict[int, int] = {}
    taken: set[int] = set()
    for _, _, i, j in sorted(candidates):
        if i not in partner and j not in taken:
            partner[i] = j
            taken.add(j)
    return (
        [(golden[i], new[j]) for i, j in partner.items()],
        [row for i, row in enumerate(golden) if i not in partner],
        [row for j, row in enumerate(new) if j not in taken],
    )
