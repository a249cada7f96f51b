"""Recordings of the graph: rosbag2 folders in MCAP, written safely, read even when torn."""

from lbp_rehab.bags.metadata import Topic
from lbp_rehab.bags.read import BagMessage, BagReader
from lbp_rehab.bags.recover import Recovery, recover
from lbp_rehab.bags.summary import BagSummary, TopicSummary, summary
from lbp_rehab.bags.write import BagWriter, Compression, Split

__all__ = [
    "BagMessage",
    "BagReader",
    "BagSummary",
    "BagWriter",
    "Compression",
    "Recovery",
    "Split",
    "Topic",
    "TopicSummary",
    "recover",
    "summary",
]
