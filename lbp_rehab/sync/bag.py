"""The events that camera and amplifier both saw, read from a bag."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore

from lbp_rehab.bags import BagReader
from lbp_rehab.bags.images import COMPRESSED_TYPE, Transport, decode, raw_pixels
from lbp_rehab.bags.metadata import Topic
from lbp_rehab.camera.bag import COLOR
from lbp_rehab.emg.units import volts_per
from lbp_rehab.errors import InputError
from lbp_rehab.paths import PACKAGE
from lbp_rehab.stamps import NANOSECONDS, to_ns
from lbp_rehab.sync.light import LONGEST_FLASH_S, Intervals, PatchSearch, Region, flash_onsets
from lbp_rehab.sync.offset import (
    FLASH,
    LEAST_EVENTS,
    LONGEST_S,
    PULSE,
    Offset,
    measure_offset,
    require_events,
)
from lbp_rehab.sync.pulses import pulse_onsets

EMG_TYPE = f"{PACKAGE}/msg/EmgRaw"
IMAGE_TYPES = ("sensor_msgs/msg/Image", COMPRESSED_TYPE)
_CHANNELS = {"rgb8": 3, "bgr8": 3, "mono8": 1, "rgba8": 4, "bgra8": 4}

_COST = 0.5  # of a flash without a pulse, in flashes with one

Image = tuple[int, NDArray[np.uint8]]  # stamp in nanoseconds; pixels, shape (h, w, 3)
Progress = Callable[[Iterator[Any], int], Iterator[Any]]


@dataclass(frozen=True)
class Measured:
    """An offset, and where it comes from.

    Attributes
    ----------
    offset : Offset
    region : Region
        Of the images, that flashes.
    colour_topic, emg_topic : str
    channels : int
        Of the sEMG, that were looked at.
    """

    offset: Offset
    region: Region
    colour_topic: str
    emg_topic: str
    channels: int


@dataclass(frozen=True)
class _Samples:
    stamps_ns: NDArray[np.int64]
    volts: NDArray[np.float32]
    joined: NDArray[np.bool_]


def measure(
    path: Path,
    region: Region | None = None,
    channel: str = "",
    progress: Progress = lambda messages, n: messages,
) -> Measured:
    """Return the offset of the sEMG's stamps against the camera's in a bag.

    Parameters
    ----------
    path : Path
    region : Region, optional
        Where the LED is; the patch whose flashes fit the sEMG's pulses best unless given.
    channel : str
        The only one to look at; default: all.
    progress : callable
        Wraps the images, whose number it is told.

    Raises
    ------
    InputError
        If the bag cannot be read, lacks images or sEMG, or its events say nothing.
    """
    with BagReader(path) as bag:
        colour, emg = _colour_topic(bag), _emg_topic(bag)
        samples = _samples(bag, emg, channel)
        pulses = pulse_onsets(samples.stamps_ns, samples.volts, samples.joined)
        require_events(pulses, PULSE)
        images = _images(bag, colour, pulses, progress)
        if region is None:
            offset, region = _by_search(images, pulses)
        else:
            offset = measure_offset(_in_region(images, region), pulses)
    return Measured(offset, region, colour.name, emg.name, samples.volts.shape[1])


def _by_search(images: Iterator[Image], pulses: Intervals) -> tuple[Offset, Region]:
    """Return the offset by the patch of which most flashes find a pulse."""
    search = PatchSearch()
    for stamp_ns, pixels in images:
        search.add(stamp_ns, pixels)
    best: tuple[float, Offset, Region] | None = None
    failed: list[tuple[int, InputError]] = []
    for region, flashes in search.found():
        try:
            offset = measure_offset(flashes, pulses)
        except InputError as error:
            failed.append((min(len(flashes), LEAST_EVENTS), error))
            continue
        fit = offset.events - _COST * (offset.flashes - offset.events)
        if best is None or fit > best[0]:
            best = fit, offset, region
    if best is not None:
        return best[1], best[2]
    if failed:
        raise max(failed, key=lambda one: one[0])[1]
    require_events(np.zeros((0, 2), np.int64), FLASH)
    raise AssertionError


def _in_region(images: Iterator[Image], region: Region) -> Intervals:
    rows = sorted((stamp_ns, region.mean(pixels)) for stamp_ns, pixels in images)
    stamps_ns = np.array([row[0] for row in rows], np.int64)
    return flash_onsets(stamps_ns, np.array([row[1] for row in rows]))


def _colour_topic(bag: BagReader) -> Topic:
    for ending in (COLOR, f"{COLOR}/{Transport.COMPRESSED.value}"):
        for name in sorted(bag.topics):
            topic = bag.topics[name]
            if name.endswith("/" + ending) and topic.type in IMAGE_TYPES and bag.counts.get(name):
                return topic
    raise InputError(
        f"the bag '{bag.path}' holds no colour images (a topic that ends in {COLOR}); record them "
        "with the sEMG"
    )


def _emg_topic(bag: BagReader) -> Topic:
    for name in sorted(bag.topics):
        if bag.topics[name].type == EMG_TYPE and bag.counts.get(name):
            return bag.topics[name]
    raise InputError(
        f"the bag '{bag.path}' holds no sEMG (emg/raw, {EMG_TYPE}); record it with the images"
    )


def _images(bag: BagReader, topic: Topic, pulses: Intervals, progress: Progress) -> Iterator[Image]:
    """Yield the images that lie near a pulse; a damaged one is left out, as one that was lost."""
    store = get_typestore(Stores.ROS2_JAZZY)
    near_ns = round((LONGEST_S + LONGEST_FLASH_S) * NANOSECONDS)
    begins = pulses[:, 1]
    seen, apart_ns = False, np.iinfo(np.int64).max
    for recorded in progress(bag.messages([topic.name]), bag.counts[topic.name]):
        message = _deserialised(store, recorded.data, topic)
        stamp_ns = to_ns(message.header.stamp)
        place = int(np.searchsorted(begins, stamp_ns - near_ns))
        if place == len(begins) or begins[place] > stamp_ns + near_ns:
            apart_ns = min(apart_ns, int(np.abs(begins - stamp_ns).min()))
            continue
        seen = True
        try:
            yield stamp_ns, _pixels(message, topic)
        except InputError:
            if topic.type != COMPRESSED_TYPE:
                raise
    if not seen:
        raise InputError(
            f"the stamps of images and of pulses in the sEMG are {apart_ns / NANOSECONDS:.0f} s "
            f"and more apart; offsets of up to {LONGEST_S:g} s are measured, so set the clocks "
            "first"
        )


def _pixels(message: Any, topic: Topic) -> NDArray[np.uint8]:
    if topic.type == COMPRESSED_TYPE:
        image = decode(Transport.COMPRESSED, message.format, bytes(message.data))
        return np.asarray(image.pixels, np.uint8)
    channels = _CHANNELS.get(message.encoding)
    if channels is None:
        raise InputError(
            f"{topic.name}: encoding '{message.encoding}' is not supported, only "
            f"{', '.join(_CHANNELS)}"
        )
    pixels = np.asarray(raw_pixels(message, topic.name, "u1", channels), np.uint8)
    return pixels[:, :, :3] if channels > 1 else np.repeat(pixels, 3, axis=2)


def _samples(bag: BagReader, topic: Topic, channel: str) -> _Samples:
    """Return all samples in volts with their stamps."""
    store = _emg_store(topic)
    stamps, volts, joined = [], [], []
    expected: int | None = None
    labels: list[str] = []
    for recorded in bag.messages([topic.name]):
        message = _deserialised(store, recorded.data, topic)
        names = [row.label for row in message.channels]
        if names != labels and labels:
            raise InputError(
                f"the channels of {topic.name} change within the bag; give a recording with one set"
            )
        labels = names
        n, rate_hz = int(message.n_samples), float(message.sample_rate_hz)
        if not n or n * len(labels) != len(message.data) or not rate_hz > 0.0:
            raise InputError(f"{topic.name}: a chunk of sEMG contradicts itself")
        units = [volts_per(getattr(row, "unit", "") or "V") for row in message.channels]
        scale = np.array(units, np.float32)
        chosen = _chosen(labels, channel)
        data = np.asarray(message.data, np.float32).reshape(n, len(labels))
        if not np.isfinite(data).all():
            raise InputError(f"{topic.name} holds values that are not finite")
        volts.append(data[:, chosen] * scale[chosen])
        times = np.round(np.arange(n) * (NANOSECONDS / rate_hz)).astype(np.int64)
        stamps.append(to_ns(message.header.stamp) + times)
        follows = np.ones(n, bool)
        follows[0] = message.lost_before == 0 and int(message.first_sample) == expected
        joined.append(follows)
        expected = int(message.first_sample) + n
    return _Samples(np.concatenate(stamps), np.concatenate(volts), np.concatenate(joined))


def _chosen(labels: list[str], channel: str) -> slice | list[int]:
    if not channel:
        return slice(None)
    if channel not in labels:
        raise InputError(f"the sEMG has no channel '{channel}'; it has {', '.join(labels)}")
    return [labels.index(channel)]


def _emg_store(topic: Topic) -> Typestore:
    """Return the types as the bag itself defines them, which may be older than the installed."""
    store = get_typestore(Stores.ROS2_JAZZY)
    try:
        defined = get_types_from_msg(topic.definition, EMG_TYPE)
        store.register({name: kind for name, kind in defined.items() if name not in store.types})
    except Exception as error:  # rosbags raises errors of its parser
        raise InputError(
            f"{topic.name}: the bag's definition of {EMG_TYPE} cannot be read ({error})"
        ) from None
    return store


def _deserialised(store: Typestore, data: bytes, topic: Topic) -> Any:
    try:
        return store.deserialize_cdr(data, topic.type)
    except Exception as error:  # damaged bytes cause errors of any kind in rosbags
        raise InputError(f"{topic.name}: a message is damaged ({error})") from None
