from rosbags.typesys import Stores, get_typestore

from lbp_rehab.bags.definitions import SEPARATOR, installed


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
