"""Recorder and player as processes, over real DDS."""

import re
import resource
import signal
from pathlib import Path

import numpy as np
import pytest
import yaml
from rclpy.serialization import deserialize_message
from sensor_msgs.msg import Image
from std_msgs.msg import String

from lbp_rehab.bags import BagReader, summary
from lbp_rehab.bags.images import Transport
from lbp_rehab.nodes import qos
from lbp_rehab.nodes.images import raw_image
from lbp_rehab.nodes.player import Player
from lbp_rehab.nodes.recorder import Recorder
from lbp_rehab.paths import config_dir

pytestmark = pytest.mark.graph
DEADLINE_S = 40.0
SECOND = 1_000_000_000


def on_disk(folder: Path, topic: str) -> int:
    if not list(folder.glob("*.mcap")):
        return 0
    return next((t.count for t in summary(folder).topics if t.name == topic), 0)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_recorder_takes_topics_as_they_appear_and_ends_with_a_finished_bag(graph, number):
    bag = graph.folder / "bag"
    child = graph.start("recorder", output=bag, exclude="['/unwanted', '/rosout']")
    unwanted = graph.node.create_publisher(String, "/unwanted", qos.RESULT)
    graph.node.create_publisher(String, "/_hidden", qos.RESULT)
    latched = graph.node.create_publisher(String, "/latched", qos.LATCHED)
    latched.publish(String(data="before anybody listened"))
    results = graph.publisher(String, "/results")
    images = graph.publisher(Image, "/image", qos.SENSOR)
    pixels = np.random.default_rng(4).integers(0, 255, (480, 640, 3), dtype=np.uint8).tobytes()
    for index in range(30):
        results.publish(String(data=f"result {index}"))
        images.publish(Image(height=480, width=640, encoding="rgb8", step=1920, data=pixels))
        unwanted.publish(String(data="unwanted"))
        graph.wait(lambda i=index: on_disk(bag, "/image") > i or i % 5 < 4, "image in the bag")
    graph.wait(lambda: on_disk(bag, "/results") == 30, "results in the bag")
    graph.wait(lambda: on_disk(bag, "/latched") == 1, "latched message in the bag")
    printed, errors = graph.end(child, number)

    assert child.returncode == 0, errors
    assert "Traceback" not in errors
    assert "  /results: 30\n" in printed
    with BagReader(bag) as reader:
        assert reader.warnings == []
        assert {"/latched", "/results", "/image"} <= set(reader.topics)
        assert not {"/unwanted", "/_hidden", "/rosout"} & set(reader.topics)
        texts = [deserialize_message(m.data, String).data for m in reader.messages({"/results"})]
        (found,) = reader.messages({"/latched"})
        (profile,) = reader.topics["/image"].qos
        image = deserialize_message(next(reader.messages({"/image"})).data, Image)
    assert texts == [f"result {index}" for index in range(30)]
    assert deserialize_message(found.data, String).data == "before anybody listened"
    assert profile.reliability.name == "BEST_EFFORT"
    assert bytes(image.data) == pixels


def test_recorder_listens_to_a_later_publisher_that_offers_less(graph):
    bag = graph.folder / "bag"
    child = graph.start("recorder", output=bag, topics="['/results']")
    reliable = graph.publisher(String, "/results", qos.RESULT)
    reliable.publish(String(data="reliable"))
    weaker = graph.publisher(String, "/results", qos.SENSOR)
    graph.wait(lambda: reliable.get_subscription_count() == 1, "one subscription for both")
    reliable.publish(String(data="reliable"))

    def of_both() -> bool:
        weaker.publish(String(data="best effort"))  # may be lost until the reader knows of it
        with BagReader(bag) as reader:
            texts = [
                deserialize_message(m.data, String).data for m in reader.messages({"/results"})
            ]
        return texts.count("reliable") == 2 and "best effort" in texts

    graph.wait(of_both, "messages of both in the bag")
    graph.end(child, signal.SIGINT)
    assert child.returncode == 0


def test_recorder_keeps_simulated_time(graph):
    from rosgraph_msgs.msg import Clock

    bag = graph.folder / "bag"
    child = graph.start("recorder", output=bag, topics="['/results']", use_sim_time="true")
    clock = graph.publisher(Clock, "/clock")
    results = graph.publisher(String, "/results")
    time_message = Clock()
    time_message.clock.sec = 12

    def recorded() -> bool:
        clock.publish(time_message)
        results.publish(String())
        return bag.is_dir() and summary(bag).start_ns + on_disk(bag, "/results") > 12 * SECOND

    graph.wait(recorded, "message at simulated time")
    graph.end(child, signal.SIGINT)
    with BagReader(bag) as reader:
        assert {m.log_time_ns for m in reader.messages()} == {12 * SECOND}


def test_recorder_splits_and_packs_images(graph, depth):
    bag = graph.folder / "bag"
    child = graph.start(
        "recorder",
        output=bag,
        topics="['/depth', '/map']",
        images="compressed",
        max_bag_duration_s=0.2,
    )
    latched = graph.publisher(String, "/map", qos.LATCHED)
    latched.publish(String(data="map"))
    depths = graph.publisher(Image, "/depth")
    graph.wait(lambda: on_disk(bag, "/map") == 1, "latched message in the bag")
    sent = 0

    def enough() -> bool:
        nonlocal sent
        message = Image(height=48, width=64, encoding="16UC1", step=128)
        message.data = depth(sent % 7).tobytes()
        depths.publish(message)
        sent += 1
        return len(list(bag.glob("*.mcap"))) >= 3

    graph.wait(enough, "third file")
    printed, errors = graph.end(child, signal.SIGINT)
    assert child.returncode == 0, errors
    assert f"  /depth/compressedDepth: {sent}\n" in printed
    with BagReader(bag) as reader:
        found = list(reader.messages({"/depth/compressedDepth"}))
        assert len(list(reader.messages({"/map"}))) == 1
        assert reader.warnings == []
    assert len(found) == sent
    for index, message in enumerate(found):
        shown = raw_image(Transport.COMPRESSED_DEPTH, message.data)
        assert bytes(shown.data) == depth(index % 7).tobytes()
    with BagReader(bag / "bag_1.mcap") as reader:
        (repeated,) = reader.messages({"/map"})
    assert deserialize_message(repeated.data, String).data == "map"


def test_a_full_disk_ends_the_recorder_with_all_losses_said(graph):
    """A limit on the size of files stands in for a full disk."""
    bag = graph.folder / "bag"
    child = graph.start("recorder", output=bag, topics="['/image']", flush_period_s=0.1)
    resource.prlimit(child.pid, resource.RLIMIT_FSIZE, (2_000_000, 2_000_000))
    images = graph.publisher(Image, "/image")
    sent = 0

    def ended() -> bool:
        nonlocal sent
        if child.poll() is None:
            data = sent.to_bytes(4, "little") * 25_000
            images.publish(Image(height=1, width=100_000, step=100_000, data=data))
            sent += 1
        return child.poll() is not None

    graph.wait(ended, "end of the recorder")
    printed, errors = child.communicate()
    assert child.returncode == 2
    assert "cannot write the bag" in errors
    assert "Traceback" not in errors
    (line,) = (row for row in printed.splitlines() if row.startswith("  /image"))
    counted, lost = (int(n) for n in re.fullmatch(r"  /image: (\d+), (\d+) lost", line).groups())
    with BagReader(bag) as reader:
        found = [deserialize_message(m.data, Image).data for m in reader.messages()]
    assert counted <= len(found)  # a chunk that broke off may hold more
    assert counted + lost <= sent  # the last may have come after its end
    assert lost >= 1
    for index, data in enumerate(found):
        assert bytes(data[:4]) == index.to_bytes(4, "little")


def test_what_does_not_even_arrive_at_the_recorder_is_counted(graph):
    bag = graph.folder / "bag"
    child = graph.start("recorder", output=bag, topics="['/results']")
    results = graph.publisher(String, "/results")
    results.publish(String(data="first"))
    graph.wait(lambda: on_disk(bag, "/results") == 1, "message in the bag")
    child.send_signal(signal.SIGSTOP)  # as if the machine had no time for it
    for index in range(500):
        results.publish(String(data=f"{index} " * 200))
    child.send_signal(signal.SIGCONT)
    results.publish(String(data="last"))

    def last_is_there() -> bool:
        with BagReader(bag) as reader:
            messages = list(reader.messages({"/results"}))
        return deserialize_message(messages[-1].data, String).data == "last"

    graph.wait(last_is_there, "last message in the bag")
    printed, _ = graph.end(child, signal.SIGINT)
    (line,) = (row for row in printed.splitlines() if row.startswith("  /results"))
    counted, missed = map(int, re.fullmatch(r"  .*: (\d+), (\d+) did not arrive", line).groups())
    assert missed > 0
    assert counted + missed == 502


def test_a_killed_recorder_leaves_a_readable_bag(graph):
    bag = graph.folder / "bag"
    child = graph.start("recorder", output=bag, topics="['/results']")
    results = graph.publisher(String, "/results")
    results.publish(String(data="kept"))
    graph.wait(lambda: on_disk(bag, "/results") == 1, "message in the bag")
    graph.end(child, signal.SIGKILL)
    assert on_disk(bag, "/results") == 1
    again = graph.start("recorder", output=bag)
    _, errors = again.communicate(timeout=DEADLINE_S)
    assert again.returncode == 2
    assert "already exists" in errors
    assert "Traceback" not in errors
    assert on_disk(bag, "/results") == 1


def test_player_plays_all_and_ends(graph, played_bag, depth):
    texts, images, truths = [], [], []
    for kind, topic, into in (
        (String, "/renamed", texts),
        (Image, "/depth", images),
        (String, "/truth/pose", truths),
    ):
        graph.node.create_subscription(kind, topic, into.append, qos.RESULT)
    child = graph.start(
        "player",
        "-r",
        "/results:=/renamed",
        bag=played_bag(),
        rate=2.0,
        exclude="['/truth/.*']",
        wait_for="['/renamed', '/depth']",
    )
    graph.wait(lambda: child.poll() is not None, "end of the player")
    _, errors = child.communicate()
    assert child.returncode == 0, errors
    graph.wait(lambda: len(texts) == 10 and len(images) == 3, "all messages")
    assert [m.data for m in texts] == [str(index) for index in range(10)]
    for index, image in zip((0, 4, 8), images, strict=True):
        assert (image.encoding, image.header.stamp.sec) == ("16UC1", 5 + index)
        pixels = np.frombuffer(image.data, np.uint16).reshape(image.height, image.width)
        np.testing.assert_array_equal(pixels, depth(index))
    assert truths == []


def test_player_gives_the_clock_and_loops(graph, played_bag):
    from rosgraph_msgs.msg import Clock

    clocks, texts = [], []
    graph.node.create_subscription(Clock, "/clock", clocks.append, qos.RESULT)
    graph.node.create_subscription(String, "/results", texts.append, qos.RESULT)
    child = graph.start(
        "player",
        bag=played_bag(),
        rate=4.0,
        clock="true",
        loop="true",
        wait_for="['/results', '/clock']",
    )
    graph.wait(lambda: len(texts) >= 25, "third pass")
    _, errors = graph.end(child, signal.SIGINT)
    assert child.returncode == 0, errors
    assert "Traceback" not in errors
    assert [m.data for m in texts[:25]] == [str(index % 10) for index in range(25)]
    assert {m.clock.sec for m in clocks} == {1000}


def test_player_refuses_what_is_no_bag(graph):
    child = graph.start("player", bag=graph.folder / "nothing")
    _, errors = child.communicate(timeout=DEADLINE_S)
    assert child.returncode == 2
    assert "there is no bag" in errors
    assert "Traceback" not in errors


@pytest.mark.parametrize("node", [Recorder, Player])
def test_the_parameter_file_holds_every_parameter_at_its_default(node):
    text = (config_dir() / f"{node.NAME}.yaml").read_text()
    given = yaml.safe_load(text)["/**"]["ros__parameters"]
    assert given == {row.name: row.default for row in node.PARAMETERS}
