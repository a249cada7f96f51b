"""The page of a comparison: one HTML file, worst first, readable without a network."""

from __future__ import annotations

import base64
import html
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2

from lbp_rehab.bags import BagReader
from lbp_rehab.compare.comparison import Aligned, Comparison, FieldDifference, TopicDifference
from lbp_rehab.compare.fields import Leaf, Moment
from lbp_rehab.compare.outcome import plain
from lbp_rehab.compare.pictures import courses, frames, png, repetitions, worst_moments
from lbp_rehab.compare.tolerance import Tolerance
from lbp_rehab.errors import InputError
from lbp_rehab.report.page import STYLE

PLOTTED = 3  # fields of a topic
LISTED = 12
MORE_STYLE = """
.ok { color: #2a8f4f } .bad { color: #c0202a } ul { padding-left: 1.2rem }
code { font-size: .85rem } summary { cursor: pointer }
"""


def write_page(
    path: Path,
    whole: Comparison,
    golden: BagReader,
    new: BagReader,
    *,
    tolerance: Tolerance,
    recordings: Sequence[BagReader] = (),
    made: Mapping[str, tuple[str, str]] | None = None,
) -> None:
    """Write the page.

    Parameters
    ----------
    path : Path
    whole : Comparison
        Of the two bags.
    golden, new : BagReader
    tolerance : Tolerance
    recordings : sequence of BagReader
        That may hold the images.
    made : mapping of str to (str, str), optional
        How the two were made, where that differs: by what, golden and new.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    parts = [*_head(whole), *_made(made or {}), *_story(whole)]
    if not whole.passed:
        parts += _frames(whole, golden, new, recordings)
    for topic in whole.topics:
        if not topic.passed:
            aligned = Aligned(golden, new, topic.name, tolerance.of_topic(topic.name))
            parts += _topic(topic, aligned, whole)
    parts += _passed(whole)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(parts) + "\n", encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot write '{path}': {error.strerror}") from None


def _head(whole: Comparison) -> list[str]:
    wrong = [t for t in whole.topics if not t.passed]
    other = whole.golden if whole.golden != whole.new else "its golden recording"
    title = f"{whole.new} against {other}"
    verdict = (
        f"<span class=bad>{len(wrong)} of {len(whole.topics)} topics changed</span>"
        if wrong
        else f"<span class=ok>all {len(whole.topics)} topics as before</span>"
    )
    parts = [
        "<!doctype html><html lang='en'><meta charset='utf-8'>"
        f"<title>{html.escape(title)}</title>"
        f"<meta name='viewport' content='width=device-width'><style>{STYLE}{MORE_STYLE}</style>",
        f"<h1>{verdict}</h1><p class=note>{html.escape(title)}</p>",
    ]
    if whole.origin:
        first = next(t for t in whole.topics if t.name == whole.origin)
        at = f" at {whole.seconds(first.first_ns):.2f} s" if first.first_ns is not None else ""
        parts.append(
            f"<p>The first message that differs is on <code>{html.escape(whole.origin)}</code>{at};"
            " what differs elsewhere can follow from it.</p>"
        )
    return parts


def _made(made: Mapping[str, tuple[str, str]]) -> list[str]:
    if not made:
        return []
    rows = "".join(
        f"<tr><td>{html.escape(what)}<td>{html.escape(old)}<td>{html.escape(new)}"
        for what, (old, new) in made.items()
    )
    return [f"<h2>Made differently</h2><table><tr><th>what<th>golden<th>new{rows}</table>"]


def _story(whole: Comparison) -> list[str]:
    if not whole.sentences:
        return []
    items = "".join(f"<li>{html.escape(_capital(s))}.</li>" for s in whole.sentences)
    return [f"<h2>What changed</h2><ul>{items}</ul>"]


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def _frames(
    whole: Comparison, golden: BagReader, new: BagReader, recordings: Sequence[BagReader]
) -> list[str]:
    figures = []
    for stamp_ns, image in frames(recordings, golden, new, worst_moments(whole)):
        _, data = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
        at = f"{whole.seconds(stamp_ns):.2f} s"
        figures.append(
            f"<figure>{_image(data.tobytes(), 'jpeg', f'frame at {at}')}<figcaption>{at}"
            "</figcaption></figure>"
        )
    if not figures:
        return []
    return [
        f"<h2>Worst moments</h2><div class=frames>{''.join(figures)}</div><p class=note>Grey: the "
        "golden skeleton. Blue and orange: new one, the patient's left and right.</p>"
    ]


def _image(data: bytes, kind: str, alt: str) -> str:
    text = base64.b64encode(data).decode()
    return f"<img alt='{html.escape(alt)}' src='data:image/{kind};base64,{text}'>"


def _topic(topic: TopicDifference, aligned: Aligned, whole: Comparison) -> list[str]:
    parts = [
        f"<h2><code>{html.escape(topic.name)}</code></h2>",
        f"<p>{html.escape(_capital('; '.join(topic.verdicts)))}.</p>",
    ]
    if set(aligned.types) == {"lbp_rehab/msg/Repetition"} and aligned.known:
        figure = repetitions(aligned, whole)
    else:
        figure = courses(aligned, [f.path for f in _plottable(topic)], whole)
    if figure is not None:
        parts.append(_image(png(figure), "png", f"{topic.name} over time"))
    if topic.fields:
        parts.append(_table(topic, whole))
    return parts


def _plottable(topic: TopicDifference) -> list[FieldDifference]:
    numbers = [
        f
        for f in topic.fields
        if isinstance(f.golden, (int, float)) and isinstance(f.new, (int, float))
    ]
    return sorted(numbers, key=lambda f: not f.path.endswith((".value", ".x", ".y", ".z")))[
        :PLOTTED
    ]


def _table(topic: TopicDifference, whole: Comparison) -> str:
    rows = "".join(
        f"<tr><td><code>{html.escape(f.path)}</code><td class=n>{f.count}"
        f"<td class=n>{whole.seconds(f.first_ns):.2f}<td class=n>{whole.seconds(f.worst_ns):.2f}"
        f"<td class=n>{_value(f.golden, whole)}<td class=n>{_value(f.new, whole)}"
        f"<td class=n>{f.worst.allowed:.2g}<td>{html.escape(f.hint)}"
        for f in topic.fields[:LISTED]
    )
    more = len(topic.fields) - LISTED
    rest = f"<p class=note>{more} more fields are in the JSON.</p>" if more > 0 else ""
    return (
        "<table><tr><th>field<th class=n>messages<th class=n>first [s]<th class=n>worst [s]"
        "<th class=n>golden<th class=n>new<th class=n>allowed"
        f"<th>looks like{rows}</table>{rest}"
    )


def _value(leaf: Leaf, whole: Comparison) -> str:
    if isinstance(leaf, Moment):
        return f"at {whole.seconds(leaf.ns):.3f} s" if leaf.ns else "no time"
    return _short(plain(leaf))


def _short(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(_short(v) for v in value)
    text = f"{value:.5g}" if isinstance(value, float) else str(value)
    return html.escape(text if len(text) <= 40 else text[:37] + "...")


def _passed(whole: Comparison) -> list[str]:
    rows = "".join(
        f"<tr><td><code>{html.escape(t.name)}</code><td class=n>{t.golden}"
        f"<td class=n>{t.same_bytes}<td class=n>{t.within}"
        for t in whole.topics
        if t.passed
    )
    parts = []
    if rows:
        parts.append(
            "<h2>As before</h2><table><tr><th>topic<th class=n>messages<th class=n>same bytes"
            f"<th class=n>within the tolerance{rows}</table>"
        )
    if whole.ignored:
        parts.append(f"<p class=note>Not compared: {html.escape(', '.join(whole.ignored))}.</p>")
    return parts
