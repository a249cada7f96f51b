"""Stamps and types of messages, by the definitions in a bag."""

import pytest
from builtin_interfaces.msg import Time
from geometry_msgs.msg import PointStamped, TransformStamped
from rclpy.serialization import serialize_message
from std_msgs.msg import Header, String
from tf2_msgs.msg import TFMessage
from visualization_msgs.msg import Marker, MarkerArray

from lbp_rehab.bags import Topic
from lbp_rehab.bags.definitions import installed
from lbp_rehab.compare.decode import Decoder
from lbp_rehab.nodes.wire import type_name

STAMPED = Header(stamp=Time(sec=12, nanosec=34))
NS = 12_000_000_034


@pytest.mark.parametrize(
    ("message", "stamp_ns"),
    [
        (PointStamped(header=STAMPED), NS),
        (TFMessage(transforms=[TransformStamped(header=STAMPED), TransformStamped()]), NS),
        (MarkerArray(markers=[Marker(header=STAMPED)]), NS),
        (TFMessage(), 5),
        (String(data="a text that is long enough"), 5),
    ],
)
def test_a_stamp_is_the_header_s_or_the_first_element_s_or_the_log_time(message, stamp_ns):
    decoder = Decoder(Topic("/a", type_name(type(message))))
    assert decoder.stamp_ns(bytes(serialize_message(message)), 5) == stamp_ns


def test_calls_of_services_are_decoded():
    kind = "lbp_rehab/srv/CalibrateNeutral_Event"
    found = installed(kind)
    assert Decoder(Topic("/a/_service_event", kind, found.text, found.encoding)).known
