import importlib.util
from pathlib import Path

import pytest
from lbp_rehab.msg import BodyPose, EmgRaw, Estimate, PelvisState, Repetition
from rclpy.serialization import deserialize_message
from rosbags.interfaces import Nodetype
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from lbp_rehab.bags import BagReader, BagWriter, Topic
from lbp_rehab.bags.definitions import SEPARATOR, installed
from lbp_rehab.bags.versions import SUPPLIED, converter
from lbp_rehab.errors import InputError

_spec = importlib.util.spec_from_file_location(
    "old_messages", Path(__file__).with_name("old_messages.py")
)
_module = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_module)
VERSIONS = _module.VERSIONS


def store_of(version: int):
    """Return the types as they were in a version."""
    store = get_typestore(Stores.ROS2_JAZZY)
    texts = {name: text for row in VERSIONS[: version + 1] for name, text in row.items()}
    types = {}
    for name, text in texts.items():
        types.update(get_types_from_msg(text, f"lbp_rehab/msg/{name}"))
    store.register(types)
    return store


def topic_of(store, name, topic="/t"):
    """Return a topic as a recorder of that version described it."""
    kind = f"lbp_rehab/msg/{name}"
    texts: dict[str, str] = {}

    def collect(inner):
        texts[inner] = store.generate_msgdef(inner, ros_version=2)[0].split("=" * 80)[0]
        for _, field in store.fielddefs[inner][1]:
            item = field if field[0] in (Nodetype.BASE, Nodetype.NAME) else field[1][0]
            if item[0] == Nodetype.NAME and item[1] not in texts:
                collect(item[1])

    collect(kind)
    text = texts.pop(kind) + "".join(
        f"\n{SEPARATOR}{inner.replace('/msg/', '/')}\n{body}" for inner, body in texts.items()
    )
    return Topic(topic, kind, text, "ros2msg", store.hash_rihs01(kind))


def new(store, name, **fields):
    """Return a message with the given fields, the others at their defaults."""
    kind = name if "/" in name else f"lbp_rehab/msg/{name}"
    values = {}
    for field, (form, item) in store.fielddefs[kind][1]:
        if field in fields:
            values[field] = fields.pop(field)
        elif form == Nodetype.BASE:
            values[field] = "" if item[0] == "string" else item[0] == "nothing"
        elif form == Nodetype.NAME:
            values[field] = new(store, item)
        else:
            values[field] = []
            if item[0][0] == Nodetype.BASE and item[0][1][0] != "string":
                import numpy as np

                values[field] = np.zeros(item[1], item[0][1][0])
    assert not fields
    return store.types[kind](**values)


def converted(store, name, message, kind):
    topic = topic_of(store, name)
    convert = converter(topic)
    assert convert is not None
    return deserialize_message(convert(bytes(store.serialize_cdr(message, topic.type))), kind)


def test_every_registered_version_is_one_that_was():
    seen = set()
    for version in range(len(VERSIONS)):
        store = store_of(version)
        seen |= {store.hash_rihs01(kind) for kind in store.types if kind.startswith("lbp_rehab/")}
    assert set(SUPPLIED) <= seen


@pytest.mark.parametrize("version", range(len(VERSIONS)))
def test_every_message_of_every_old_version_can_be_read(version):
    store = store_of(version)
    for kind in [kind for kind in store.types if kind.startswith("lbp_rehab/")]:
        name = kind.rpartition("/")[2]
        topic = topic_of(store, name)
        convert = converter(topic)
        same = topic.type_hash == installed(kind).type_hash
        assert (convert is None) == same, kind
        if convert is not None:
            convert(bytes(store.serialize_cdr(new(store, name), kind)))


def test_an_old_pelvis_state_keeps_its_angles_and_how_its_neutral_was_taken():
    store = store_of(0)
    tilt = new(store, "Estimate", status=1, value=0.25, sigma=0.01)
    for known, source in ((True, PelvisState.NEUTRAL_CALIBRATED), (False, 0)):
        old = new(store, "PelvisState", person_id="p1", tilt=tilt, neutral_known=known)
        found = converted(store, "PelvisState", old, PelvisState)
        assert (found.person_id, found.track_id, found.neutral_source) == ("p1", 0, source)
        assert (found.tilt.status, found.tilt.value, found.tilt.sigma) == (1, 0.25, 0.01)


def test_an_old_repetition_keeps_its_faults_and_says_what_it_did_not_know():
    store = store_of(0)
    fault = new(store, "Fault", id="pelvis_drops", allowed_min=-1e300, allowed_max=0.2)
    old = new(store, "Repetition", exercise="glute_bridge", index=3, faults=[fault])
    found = converted(store, "Repetition", old, Repetition)
    assert (found.exercise, found.index, found.session_id) == ("glute_bridge", 3, "")
    (fault,) = found.faults
    assert (fault.id, fault.has_min, fault.has_max) == ("pelvis_drops", False, True)
    assert (fault.allowed_min, fault.allowed_max) == (0.0, 0.2)
    for estimate in (found.own_best_similarity, found.demonstration_similarity):
        assert (estimate.status, estimate.reason) == (
            Estimate.UNKNOWN,
            Estimate.REASON_MISSING_INPUT,
        )


def test_a_later_repetition_keeps_its_session():
    store = store_of(2)
    old = new(store, "Repetition", session_id="s", set_index=2, not_assessed=["x"])
    found = converted(store, "Repetition", old, Repetition)
    assert (found.session_id, found.set_index, found.not_assessed) == ("s", 2, ["x"])


def test_a_height_without_sigma_becomes_unknown():
    store = store_of(0)
    old = new(store, "BodyPose", gravity_known=True, support_height_m=1.5, backend="b")
    found = converted(store, "BodyPose", old, BodyPose)
    assert (found.backend, found.gravity_known, found.image_width) == ("b", True, 0)
    assert found.support_height.status == Estimate.UNKNOWN


def test_old_emg_is_in_volts():
    store = store_of(0)
    channel = new(store, "EmgChannel", label="left")
    found = converted(store, "EmgRaw", new(store, "EmgRaw", channels=[channel]), EmgRaw)
    assert [(c.label, c.unit) for c in found.channels] == [("left", "V")]


def stranger(fields: str) -> Topic:
    """A version of Estimate that never was."""
    kind = "lbp_rehab/msg/Estimate"
    store = get_typestore(Stores.EMPTY)
    store.register(get_types_from_msg(fields, kind))
    return Topic("/e", kind, fields, "ros2msg", store.hash_rihs01(kind))


def test_fields_are_taken_over_by_name_and_wider_types_filled():
    topic = stranger("float64 sigma\nfloat32 value\nuint8 reason\nuint8 status\nstring more\n")
    store = get_typestore(Stores.EMPTY)
    store.register(get_types_from_msg(topic.definition, topic.type))
    old = store.types[topic.type](sigma=0.5, value=0.25, reason=3, status=1, more="x")
    convert = converter(topic)
    found = deserialize_message(convert(bytes(store.serialize_cdr(old, topic.type))), Estimate)
    assert (found.status, found.reason, found.value, found.sigma) == (1, 3, 0.25, 0.5)


@pytest.mark.parametrize(
    ("fields", "lacks"),
    [
        ("uint8 status\nfloat64 value\n", "lacks reason, sigma"),
        ("uint8 status\nuint8 reason\nstring value\nfloat64 sigma\n", "lacks value"),
        ("int64 status\nuint8 reason\nfloat64 value\nfloat64 sigma\n", "lacks status"),
    ],
)
def test_a_version_that_cannot_be_converted_is_refused_with_what_it_lacks(fields, lacks):
    with pytest.raises(InputError, match=lacks):
        converter(stranger(fields))


def test_the_same_version_and_unknown_ones_pass_untouched():
    kind = "lbp_rehab/msg/Estimate"
    known = installed(kind)
    assert converter(Topic("/e", kind, known.text, "ros2msg", known.type_hash)) is None
    assert converter(Topic("/e", kind, known.text, "ros2msg")) is None  # a bag without hashes
    assert converter(Topic("/e", kind)) is None
    assert (
        converter(Topic("/e", "nobody_msgs/msg/Thing", "uint8 x\n", "ros2msg", "RIHS01_0")) is None
    )


def test_another_version_without_its_definition_is_refused():
    with pytest.raises(InputError, match="does not hold the definition"):
        converter(Topic("/e", "lbp_rehab/msg/Estimate", type_hash="RIHS01_" + 64 * "0"))


def test_a_bag_of_old_messages_is_read_as_installed_and_says_so(tmp_path):
    store = store_of(0)
    old = topic_of(store, "PelvisState", "/pelvis/state")
    message = new(store, "PelvisState", person_id="p1")
    data = bytes(store.serialize_cdr(message, old.type))
    lacking = stranger("uint8 status\n")
    with BagWriter(tmp_path / "b") as writer:
        for topic in (old, lacking):
            writer.add_topic(topic)
        writer.write("/pelvis/state", data, 1)
        writer.write("/pelvis/state", data[:40], 2)
        writer.write("/e", b"\x00\x01\x00\x00\x01", 3)
    with BagReader(tmp_path / "b") as bag:
        assert len(list(bag.messages())) == 3
        assert bag.warnings == []
    with BagReader(tmp_path / "b", as_installed=True) as bag:
        (found,) = bag.messages()
        assert set(bag.topics) == {"/pelvis/state"}
        assert bag.topics["/pelvis/state"].type_hash == installed(old.type).type_hash
        warnings = bag.warnings
    assert deserialize_message(found.data, PelvisState).person_id == "p1"
    assert len(warnings) == 3
    assert "/pelvis/state was recorded with another version" in warnings[0]
    assert "/e was left out: it was recorded with another version" in warnings[1]
    assert "1 messages were left out" in warnings[2]
