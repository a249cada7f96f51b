import pytest
from geometry_msgs.msg import TransformStamped
from rclpy.serialization import serialize_message
from sensor_msgs.msg import JointState, Temperature
from std_msgs.msg import Float64, Int64, String
from tf2_msgs.msg import TFMessage

from lbp_rehab import msg
from lbp_rehab.bags.definitions import installed
from lbp_rehab.compare.comparison import compare
from lbp_rehab.compare.tolerance import EXACT, Limit, Tolerance, TopicLimit
from lbp_rehab.errors import InputError

STRINGS = [("/a", 0.0, String(data="one")), ("/a", 1.0, String(data="two"))]


def numbers(topic, *values, start=0.0):
    return [(topic, start + k * 0.1, Float64(data=float(v))) for k, v in enumerate(values)]


def only(found):
    (topic,) = found.topics
    return topic


def test_equal_recordings_are_equal_to_the_byte(held):
    found = held(STRINGS, STRINGS)
    assert found.passed
    assert only(found).same_bytes == 2
    assert (found.origin, found.sentences) == ("", [])


def test_gaps_between_fields_and_bytes_behind_the_last_mean_nothing(held):
    clean = bytearray(serialize_message(String(data="abc")))  # 4 of header, 4 of length, "abc\0"
    a = bytes(clean[:12])
    found = held(
        [("/a", 0.0, ("std_msgs/msg/String", a))],
        [("/a", 0.0, ("std_msgs/msg/String", a + b"\x07" * 9))],
    )
    assert found.passed
    assert (only(found).same_bytes, only(found).within) == (0, 1)


def test_empty_recordings_are_equal(held):
    assert held([], []).passed


def test_a_topic_that_is_gone_or_new_is_told(held):
    found = held(numbers("/a", 1, 2) + numbers("/b", 1), numbers("/b", 1) + numbers("/c", 1))
    verdicts = {t.name: t.verdicts for t in found.topics}
    assert verdicts == {
        "/a": ["the topic does not come any more (2 messages)"],
        "/b": [],
        "/c": ["the topic is not in the golden recording (1 message)"],
    }
    assert found.origin == "/a"
    assert found.topics[-1].name == "/b"


def test_a_recording_held_against_an_empty_one_is_all_gone(held):
    assert held(STRINGS, []).origin == "/a"


def test_missing_and_additional_messages_are_told_with_their_times(held):
    golden = numbers("/a", 1, 2, 3, 4)
    found = held(golden, [golden[0], golden[3], ("/a", 0.9, Float64(data=9.0))])
    assert only(found).verdicts == ["2 messages of 4 missing", "1 message of 4 too many"]
    assert found.sentences == [
        "/a: 2 messages of 4 missing, at 0.10, 0.20 s",
        "/a: 1 message of 4 too many, at 0.90 s",
    ]


def test_a_share_of_missing_messages_can_be_allowed(held):
    golden = numbers("/a", 1, 2, 3, 4)
    allowed = Tolerance(topic_rules=(("/a", TopicLimit(missing=0.25)),))
    assert held(golden, golden[1:], allowed).passed


def test_two_missing_of_four_are_more_than_a_quarter(held):
    golden = numbers("/a", 1, 2, 3, 4)
    allowed = Tolerance(topic_rules=(("/a", TopicLimit(missing=0.25)),))
    assert not held(golden, golden[2:], allowed).passed


def test_another_type_under_the_same_name_is_told_and_nothing_breaks(held):
    found = held([("/a", 0.0, Float64(data=1.0))], [("/a", 0.0, Int64(data=1))])
    assert "its type is std_msgs/msg/Int64, not std_msgs/msg/Float64" in only(found).verdicts


def test_another_type_with_the_same_bytes_is_told_too(held):
    found = held([("/a", 0.0, Float64(data=0.0))], [("/a", 0.0, Int64(data=0))])
    assert only(found).verdicts == ["its type is std_msgs/msg/Int64, not std_msgs/msg/Float64"]


def test_another_type_on_a_topic_that_has_words_of_its_own_is_told_plainly(held, at):
    repetition = at(1.0, msg.Repetition(index=1))
    found = held([("/r", 1.0, repetition)], [("/r", 1.0, String(data="x"))])
    assert any("its type is std_msgs/msg/String" in s for s in found.sentences)


def test_another_packages_type_with_the_same_fields_is_told_too(written):
    kind = "lab/msg/Cue"
    golden = written("golden", [("/c", 1.0, msg.Cue(text="Up"))])
    theirs = (kind, bytes(serialize_message(msg.Cue(text="Down"))))
    new = written("new", [("/c", 1.0, theirs)], {kind: installed("lbp_rehab/msg/Cue").text})
    found = compare(golden, new, EXACT)
    assert "/c: its type is lab/msg/Cue, not lbp_rehab/msg/Cue" in found.sentences


def test_messages_of_a_type_that_nobody_knows_are_compared_as_bytes(held):
    kind = "somebody/msg/Thing"
    rows = [("/a", k, (kind, b"\x00\x01\x00\x00" + bytes([k]))) for k in (0, 1, 2)]
    found = held(rows, rows)
    assert found.passed
    assert only(found).same_bytes == 3


def test_bytes_of_an_unknown_type_that_differ_are_told(held):
    kind = "somebody/msg/Thing"
    found = held(
        [("/a", 0, (kind, b"\x00\x01\x00\x00\x01"))], [("/a", 0, (kind, b"\x00\x01\x00\x00\x09"))]
    )
    assert only(found).fields[0].path == "(bytes)"
    assert found.sentences == ["/a: (bytes) differs, both 5 bytes, at 0.00 s"]


def test_a_field_that_the_golden_recordings_older_definition_has_not_is_told(written):
    kind = "lab/msg/Reading"
    old = {kind: "float64 value"}
    new = {kind: "float64 value\nfloat64 humidity"}
    header = b"\x00\x01\x00\x00"
    value, more = b"\x00" * 6 + b"\xf0\x3f", b"\x00" * 8
    golden = written("golden", [("/a", 0.0, (kind, header + value))], old)
    other = written("new", [("/a", 0.0, (kind, header + value + more))], new)
    found = compare(golden, other, EXACT)
    assert [f.path for f in only(found).fields] == ["humidity"]
    assert found.sentences == ["/a: humidity is 0, where there was none, at 0.00 s"]
    found = compare(other, golden, EXACT)
    assert found.sentences == ["/a: humidity is no longer there, where it was 0, at 0.00 s"]


def test_repetitions_of_an_older_definition_are_told_plainly(written, at):
    kind = "lbp_rehab/msg/Repetition"
    old = {kind: "std_msgs/Header header\nuint32 index\n" + HEADER}
    data = b"\x00\x01\x00\x00" + bytes(8) + b"\x01\x00\x00\x00\x00" + bytes(3) + b"\x05" + bytes(3)
    golden = written("golden", [("/r", 1.0, (kind, data))], old)
    new = written("new", [("/r", 1.0, msg.Repetition(index=1))])
    found = compare(golden, new, EXACT)
    assert not found.passed
    assert found.sentences


HEADER = """================================================================================
MSG: std_msgs/Header
builtin_interfaces/Time stamp
string frame_id
================================================================================
MSG: builtin_interfaces/Time
int32 sec
uint32 nanosec
"""


def test_messages_that_come_later_after_their_stamp_are_told(held, at):
    golden = [("/t", k + 0.1, at(k, Temperature())) for k in range(3)]
    new = [("/t", k + (0.15 if k == 1 else 0.1), at(k, Temperature())) for k in range(3)]
    found = held(golden, new)
    assert only(found).latency_s == pytest.approx(0.05)
    assert only(found).verdicts == ["messages come up to 50 ms later after their stamp than before"]
    assert only(found).first_ns == golden_ns(1.1)


def golden_ns(seconds):
    return 1_700_000_000_000_000_000 + round(seconds * 1e9)


def test_messages_that_come_sooner_after_their_stamp_are_told_unless_allowed(held, at):
    golden = [("/t", k + 0.1, at(k, Temperature())) for k in range(3)]
    new = [("/t", k + 0.05, at(k, Temperature())) for k in range(3)]
    allowed = Tolerance(topic_rules=(("/t", TopicLimit(latency_s=0.06)),))
    assert held(golden, new, allowed).passed


def test_sooner_is_not_later(held, at):
    found = held([("/t", 0.1, at(0, Temperature()))], [("/t", 0.05, at(0, Temperature()))])
    assert "50 ms sooner" in found.sentences[0]


def test_the_origin_is_the_topic_of_the_first_wrong_message(held):
    golden = numbers("/z", 1, 2, 3) + numbers("/a", 1, 2, 3, start=0.05)
    new = numbers("/z", 1, 9, 9) + numbers("/a", 1, 9, 9, start=0.05)
    assert held(golden, new).origin == "/z"


@pytest.mark.parametrize("order", [("/a", "/b"), ("/b", "/a")])
def test_among_messages_of_one_time_the_order_of_recording_tells_the_origin(order, held):
    golden = [(topic, 1.0, Float64(data=1.0)) for topic in order]
    new = [(topic, 1.0, Float64(data=2.0)) for topic in order]
    assert held(golden, new).origin == order[0]


def test_what_is_made_for_people_to_look_at_comes_last_unless_it_is_the_origin(held):
    def tf(x):
        message = TransformStamped(child_frame_id="a")
        message.transform.translation.x = x
        return TFMessage(transforms=[message])

    golden = [("/tf", 1.0, tf(0.0)), *numbers("/a", 1, 2)]
    new = [("/tf", 1.0, tf(1.0)), *numbers("/a", 1, 3)]
    assert [t.name for t in held(golden, new).topics] == ["/a", "/tf"]


def test_transforms_of_one_stamp_are_paired_by_what_they_are_of(held):
    def tf(name, x):
        message = TransformStamped(child_frame_id=name)
        message.transform.translation.x = x
        return TFMessage(transforms=[message])

    rows = [("/tf", 1.0, tf("a", 1.0)), ("/tf", 1.0, tf("b", 2.0))]
    assert held(rows, rows[::-1]).passed


def test_ignored_topics_and_fields_do_not_count(held):
    limits = Tolerance(
        topic_rules=(("/noise", TopicLimit(ignore=True)),),
        field_rules=(("/t", "variance", Limit(ignore=True)),),
    )
    golden = [("/t", 1.0, Temperature(variance=1.0)), *numbers("/noise", 1)]
    new = [("/t", 1.0, Temperature(variance=2.0)), *numbers("/noise", 2)]
    found = held(golden, new, limits)
    assert found.passed
    assert found.ignored == ["/noise"]


def test_only_some_topics_can_be_compared(held):
    found = held(numbers("/a", 1) + numbers("/b", 1), numbers("/a", 1) + numbers("/b", 2),
                 topics=["/a"])  # fmt: skip
    assert found.passed
    assert [t.name for t in found.topics] == ["/a"]


def test_a_topic_that_neither_has_is_refused_with_those_there_are(held):
    with pytest.raises(InputError, match="neither recording has the topic /c; there are /a, /b"):
        held(numbers("/a", 1), numbers("/b", 1), topics=["/c"])


def test_a_field_says_where_it_first_is_and_where_it_is_most(held):
    found = held(numbers("/a", 1, 1, 1, 1), numbers("/a", 1, 1.1, 1.5, 1.2))
    (field,) = only(found).fields
    assert (field.path, field.count) == ("data", 3)
    assert found.seconds(field.first_ns) == pytest.approx(0.1)
    assert found.seconds(field.worst_ns) == pytest.approx(0.2)
    assert (field.golden, field.new) == (1.0, 1.5)
    assert found.sentences == ["/a: data is 1.5, not 1, in 3 of 4 messages, most at 0.20 s"]


def test_differences_within_the_tolerance_are_counted_and_pass(held):
    limits = Tolerance(default=Limit(absolute=0.5))
    found = held(numbers("/a", 1, 2), numbers("/a", 1, 2.4), limits)
    assert found.passed
    assert (only(found).same_bytes, only(found).within, only(found).beyond) == (1, 1, 0)


def test_arrays_of_another_length_are_told(held):
    found = held([("/j", 0.0, JointState(position=[1.0]))],
                 [("/j", 0.0, JointState(position=[1.0, 2.0]))])  # fmt: skip
    assert found.sentences == ["/j: position is 2 values, not 1 values, at 0.00 s"]


def test_arrays_of_other_values_are_told_by_the_most_that_they_are_apart(held):
    found = held([("/j", 0.0, JointState(position=[1.0, 2.0]))],
                 [("/j", 0.0, JointState(position=[1.5, 4.0]))])  # fmt: skip
    assert found.sentences == ["/j: position is up to 2 apart, at 0.00 s"]


def test_what_became_unknown_is_told_once_and_its_numbers_are_not(held, at):
    known, unknown = msg.PelvisState(), msg.PelvisState()
    known.tilt = msg.Estimate(status=1, value=0.5, sigma=0.1)
    unknown.tilt = msg.Estimate(status=0, reason=3)
    found = held([("/p", 1.0, at(1.0, known))], [("/p", 1.0, at(1.0, unknown))])
    assert {f.path for f in only(found).fields} == {"tilt.status", "tilt.reason"}
    assert found.sentences == ["tilt is unknown, not measured, in 1 of 1 messages"]


def test_an_element_that_came_is_told_by_its_name_and_not_by_all_its_fields(held):
    def live(*faults):
        return msg.QualityLive(faults=[msg.Fault(id=f, severity=2) for f in faults])

    found = held([("/q", 1.0, live("a"))], [("/q", 1.0, live("a", "b"))])
    assert {f.path for f in only(found).fields} == {"faults.length", "faults[b].id"}


def test_a_damaged_message_is_one_sentence(held):
    kind = "lbp_rehab/msg/PelvisState"
    rows = [("/p", 1.0, (kind, b"\x00\x01\x00\x00" + bytes(12)))]
    with pytest.raises(InputError, match="a message of /p is no"):
        held(rows, [("/p", 1.0, (kind, b"\x00\x01\x00\x00" + bytes(13)))])


def test_repetitions_are_paired_by_what_they_are_before_by_when(held, at):
    golden = [("/quality/repetition", 1.0, at(1.0, msg.Repetition(index=1))),
              ("/quality/repetition", 2.2, at(2.2, msg.Repetition(index=2)))]  # fmt: skip
    new = [("/quality/repetition", 2.0, at(2.0, msg.Repetition(index=1))),
           ("/quality/repetition", 3.0, at(3.0, msg.Repetition(index=2)))]  # fmt: skip
    found = held(golden, new)
    assert not only(found).missing
    assert not [f for f in only(found).fields if f.path == "index"]
