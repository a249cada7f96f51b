"""``lbp-rehab play``: a bag to a running graph."""

from __future__ import annotations

import argparse
from pathlib import Path

from lbp_rehab.bags import BagReader
from lbp_rehab.bags.play import CLOCK_TOPIC, Selection, select
from lbp_rehab.bags.topics import remapping
from lbp_rehab.graph import NodeSpec
from lbp_rehab.paths import config_dir
from lbp_rehab.start import EXIT_INTERRUPTED, loading


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("bag", type=Path, help="folder of the bag, or its .mcap or .db3 file")
    parser.add_argument("--rate", type=float, default=1.0, help="speed (default: 1)")
    parser.add_argument("--start", type=float, default=0.0, metavar="S", help="from this second")
    parser.add_argument("--end", type=float, default=0.0, metavar="S", help="to this second")
    parser.add_argument("--loop", action="store_true", help="begin again at the end")
    parser.add_argument("--topics", nargs="+", default=[], metavar="REGEX")
    parser.add_argument("--exclude", nargs="+", default=[], metavar="REGEX", help="these win")
    parser.add_argument("--clock", action="store_true", help="publish /clock")
    parser.add_argument("--start-paused", action="store_true", help="stand still at the start")
    parser.add_argument(
        "--remap", nargs="+", default=[], metavar="OLD:=NEW", help="topics under other names"
    )
    parser.add_argument(
        "--wait-for", nargs="+", default=[], metavar="TOPIC", help="until it has a subscriber"
    )


def main(arguments: argparse.Namespace) -> int:
    """Play until the bag is over, or Ctrl-C; on a terminal, keys steer it."""
    lists = {
        name: getattr(arguments, name)
        for name in ("topics", "exclude", "wait_for")
        if getattr(arguments, name)
    }
    spec = NodeSpec(
        "player",
        {
            "bag": str(arguments.bag),
            "rate": arguments.rate,
            "start_s": arguments.start,
            "end_s": arguments.end,
            "loop": arguments.loop,
            "clock": arguments.clock,
            "paused": arguments.start_paused,
        }
        | lists,
        remappings=_remappings(arguments),
        parameter_files=(str(config_dir() / "player.yaml"),),
    )
    with loading(EXIT_INTERRUPTED):
        from lbp_rehab.nodes.player_keys import KeyboardPlayer  # noqa: PLC0415
        from lbp_rehab.nodes.process import run  # noqa: PLC0415

        return run(KeyboardPlayer, spec.ros_arguments())


def _remappings(arguments: argparse.Namespace) -> tuple[tuple[str, str], ...]:
    """Return the rules, each of which must be of a topic that is played."""
    if not arguments.remap:
        return ()
    chosen = Selection(tuple(arguments.topics), tuple(arguments.exclude), clock=arguments.clock)
    with BagReader(arguments.bag) as bag:
        played = {output.name for output in select(bag.topics, chosen)}
    if arguments.clock:
        played.add(CLOCK_TOPIC)
    return tuple(remapping(rule, played) for rule in arguments.remap)
