"""Reads the measures out of a bag, for ``lbp-rehab exercises --seen``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from rclpy.serialization import deserialize_message
from tqdm import tqdm

from lbp_rehab import msg
from lbp_rehab.bags import BagReader
from lbp_rehab.errors import InputError
from lbp_rehab.nodes import convert
from lbp_rehab.nodes.convert_quality import from_activation
from lbp_rehab.quality import measures
from lbp_rehab.quality.seen import Seen

BAR_AFTER_S = 2.0
EVERY_NS = 100_000_000  # a movement is slower than this
# Topic: message, the argument of `Seen.add`, and what makes the one of the other.
READERS: dict[str, tuple[type, str, Any]] = {
    measures.POSE: (msg.BodyPose, "pose", convert.from_body_pose),
    measures.PELVIS: (msg.PelvisState, "pelvis", convert.from_pelvis_state),
    measures.BREATH: (msg.Breath, "breath", convert.from_breath),
    measures.EMG: (msg.EmgActivation, "activation", from_activation),
}


def read_seen(bag: Path) -> Seen:
    """Return what the measures were in a bag, in whatever namespace it was recorded.

    Raises
    ------
    InputError
        If there is no bag, or it holds no results.
    """
    seen, latest = Seen(), dict.fromkeys(READERS, 0)
    with BagReader(bag, as_installed=True) as reader:
        topics = {t: own for t in reader.counts if (own := _own(t)) is not None}
        if not any(own == measures.POSE for own in topics.values()):
            raise InputError(
                f"'{bag}' holds no {measures.POSE}; record a session: lbp-rehab run --record NEW"
            )
        total = sum(reader.counts[t] for t in topics)
        messages = reader.messages(set(topics))
        for item in tqdm(messages, total=total, unit="", file=sys.stderr, delay=BAR_AFTER_S):
            own = topics[item.topic]
            if 0 <= item.log_time_ns - latest[own] < EVERY_NS:
                continue
            latest[own] = item.log_time_ns
            kind, argument, made = READERS[own]
            seen.add(**{argument: made(deserialize_message(item.data, kind))})
    return seen


def _own(topic: str) -> str | None:
    """Return which of our topics this is; the truth of a synthetic patient is none."""
    if topic.startswith("/truth/"):
        return None
    return next((own for own in READERS if topic.endswith(f"/{own}")), None)
