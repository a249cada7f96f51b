import pytest
from action_msgs.srv import CancelGoal
from lbp_rehab.action import RunExerciseSet
from lbp_rehab.srv import CalibrateMvc
from rcl_interfaces.srv import ListParameters
from rclpy.serialization import serialize_message
from rosbags.highlevel import AnyReader
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from lbp_rehab.bags.definitions import SEPARATOR, installed, message_class
from lbp_rehab.replay.canonical import canonical

SendGoal = RunExerciseSet.Impl.SendGoalService
GetResult = RunExerciseSet.Impl.GetResultService


def test_text_is_the_installed_files_joined_as_rosbag2_joins_them(tmp_path):
    for name, text in {
        "a/msg/Top": "# top\nb/Part[] parts\nLeaf[<=3] leaves # c/No x\nstring<=5 s\nint32 K=3",
        "a/msg/Leaf": "float64[9] values\nb/Part again",
        "b/msg/Part": "bool yes",
    }.items():
        file = tmp_path / "share" / f"{name}.msg"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    found = installed("a/msg/Top", [tmp_path])
    assert found.encoding == "ros2msg"
    top, leaf, part = found.text.split("\n" + SEPARATOR)
    assert top.startswith("# top\nb/Part[] parts")
    assert leaf.startswith("a/Leaf\nfloat64[9] values")
    assert part == "b/Part\nbool yes"


def test_types_that_are_not_installed_are_described_as_unknown(tmp_path):
    assert installed("no_such_msgs/msg/Thing").encoding == ""
    assert installed("not a type").text == ""
    (tmp_path / "share/a/msg").mkdir(parents=True)
    (tmp_path / "share/a/msg/Top.msg").write_text("gone/Part part")
    assert installed("a/msg/Top", [tmp_path]).text == ""


def test_hashes_are_those_that_rosbags_computes():
    store = get_typestore(Stores.ROS2_JAZZY)
    for kind in ("sensor_msgs/msg/Image", "std_msgs/msg/String", "rosgraph_msgs/msg/Clock"):
        assert installed(kind).type_hash == store.hash_rihs01(kind)


@pytest.mark.parametrize(
    ("kind", "cls"),
    [
        ("lbp_rehab/srv/CalibrateMvc_Event", CalibrateMvc.Event),
        (
            "lbp_rehab/action/RunExerciseSet_SendGoal_Event",
            SendGoal.Event,
        ),
        ("lbp_rehab/action/RunExerciseSet_GetResult_Event", GetResult.Event),
        ("action_msgs/srv/CancelGoal_Event", CancelGoal.Event),
        ("rcl_interfaces/srv/ListParameters_Event", ListParameters.Event),
    ],
)
def test_messages_of_services_and_actions_are_described_too(kind, cls):
    found, name = installed(kind), f"{kind.partition('/')[0]}/msg/{kind.rpartition('/')[2]}"
    assert message_class(kind) is cls
    store = get_typestore(Stores.EMPTY)
    store.register(get_types_from_msg(found.text, name))
    read = store.deserialize_cdr(bytes(serialize_message(cls())), name)
    assert set(cls.get_fields_and_field_types()) <= set(vars(read))


def test_an_event_is_read_with_its_text_alone():
    asked = CalibrateMvc.Request(
        muscle=3, duration_s=2.5, only=["left", "right"], highest_v=[0.1, 0.2]
    )
    event = CalibrateMvc.Event(request=[asked])
    event.info.event_type = 1
    store = get_typestore(Stores.EMPTY)
    text = installed("lbp_rehab/srv/CalibrateMvc_Event").text
    store.register(get_types_from_msg(text, "lbp_rehab/msg/CalibrateMvc_Event"))
    read = store.deserialize_cdr(
        bytes(serialize_message(event)), "lbp_rehab/msg/CalibrateMvc_Event"
    )
    assert (read.info.event_type, len(read.request), len(read.response)) == (1, 1, 0)
    assert read.request[0].only == ["left", "right"]
    assert read.request[0].duration_s == 2.5


def test_an_empty_request_has_the_member_that_rosidl_gives_it(tmp_path):
    (tmp_path / "share/a/srv").mkdir(parents=True)
    (tmp_path / "share/a/srv/Ask.srv").write_text("# nothing\n---\nbool yes\n")
    assert "structure_needs_at_least_one_member" in installed("a/srv/Ask_Request", [tmp_path]).text
    assert installed("a/srv/Ask_Response", [tmp_path]).text == "bool yes\n"


def test_a_bag_with_calls_is_opened_and_decoded_without_ros(recording):
    bag = recording()
    kinds = {
        "/a/_service_event": "lbp_rehab/srv/CalibrateMvc_Event",
        "/b/_action/send_goal/_service_event": "lbp_rehab/action/RunExerciseSet_SendGoal_Event",
        "/b/_action/cancel_goal/_service_event": "action_msgs/srv/CancelGoal_Event",
        "/c": "std_msgs/msg/String",
    }
    for topic, kind in kinds.items():
        bag.topic(topic, kind)
        bag.write(topic, 10**18, canonical(kind, bytes(serialize_message(message_class(kind)()))))
    bag.writer.close()
    with AnyReader([bag.folder]) as reader:
        for connection, _, data in reader.messages():
            known = connection.msgtype.replace("/srv/", "/srv/msg/")
            reader.deserialize(data, known)
        assert reader.message_count == len(kinds)
