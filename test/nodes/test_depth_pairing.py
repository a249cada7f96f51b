"""Which depth image a pose gets is a matter of stamps, not of which of the two comes first."""

import itertools

import pytest

from lbp_rehab.errors import InputError
from lbp_rehab.nodes.depth_pairing import DepthPairing

MS = 1_000_000
FRAME = 33 * MS


class Pairs:
    """Feeds a pairing and notes what each pose got; poses and images are their own stamps."""

    def __init__(self, slop_s=0.015, keep=15, refuse=()):
        self.used, self.refuse = [], refuse
        self.pairing = DepthPairing(self.use, slop_s, keep)

    def use(self, pose, image):
        self.used.append((pose, image))
        if pose in self.refuse:
            raise InputError("refused")

    def image(self, stamp_ns):
        self.pairing.add_image(stamp_ns, stamp_ns)

    def pose(self, stamp_ns):
        self.pairing.add_pose(stamp_ns, stamp_ns)


@pytest.fixture
def flowing():
    """A pairing that has seen the image of frame 0."""
    pairs = Pairs()
    pairs.image(0)
    return pairs


def test_a_pose_gets_the_image_of_its_stamp():
    pairs = Pairs()
    for k in range(4):
        pairs.image(k * FRAME)
    for k in range(4):
        pairs.pose(k * FRAME)
    assert pairs.used == [(k * FRAME, k * FRAME) for k in range(4)]


def test_of_two_images_within_the_slop_the_nearer_counts():
    pairs = Pairs(slop_s=0.02)
    for stamp in (90, 98, 112):
        pairs.image(stamp * MS)
    pairs.pose(100 * MS)
    assert pairs.used == [(100 * MS, 98 * MS)]


def test_an_image_outside_the_slop_does_not_count():
    pairs = Pairs(slop_s=0.015)
    pairs.image(84 * MS)
    pairs.image(116 * MS)
    pairs.pose(100 * MS)
    assert pairs.used == [(100 * MS, None)]


def test_a_pose_that_comes_first_waits_for_its_image(flowing):
    flowing.pose(FRAME)
    assert flowing.used == []
    flowing.image(FRAME)
    assert flowing.used == [(FRAME, FRAME)]


def test_the_pairs_are_the_same_in_whatever_order_the_topics_arrive():
    """Over DDS each topic keeps its order, but the two interleave as they like."""
    frames = [k * FRAME for k in range(1, 5)]
    for places in itertools.combinations(range(8), 4):
        pairs = Pairs()
        pairs.image(0)
        images, poses = iter(frames), iter(frames)
        late = 0  # by how many frames the images are behind the poses
        for place in range(8):
            if place in places:
                pairs.image(next(images))
                late -= 1
            else:
                pairs.pose(next(poses))
                late += 1
            if late > 1:
                break  # later than a frame: lost, by design
        else:
            assert pairs.used == [(s, s) for s in frames], places


def test_a_lost_image_costs_one_frame_at_most(flowing):
    flowing.pose(FRAME)
    flowing.image(2 * FRAME)  # that of the first pose was lost
    assert flowing.used == [(FRAME, None)]
    flowing.pose(2 * FRAME)
    flowing.pose(3 * FRAME)
    flowing.pose(4 * FRAME)
    assert flowing.used[1:] == [(2 * FRAME, 2 * FRAME), (3 * FRAME, None)]


def test_without_images_no_pose_waits():
    pairs = Pairs()
    pairs.pose(FRAME)
    assert pairs.used == [(FRAME, None)]


def test_a_second_after_the_last_image_no_pose_waits(flowing):
    flowing.pose(1_000 * MS)
    flowing.pose(1_033 * MS)
    assert flowing.used == [(1_000 * MS, None), (1_033 * MS, None)]


def test_a_recording_that_starts_again_is_paired_anew():
    pairs = Pairs()
    for stamp in (10_000 * MS, 0):
        pairs.image(stamp)
        pairs.pose(stamp)
        pairs.pose(stamp + FRAME)
        pairs.image(stamp + FRAME)
    assert pairs.used == [(s, s) for s in (10_000 * MS, 10_000 * MS + FRAME, 0, FRAME)]


def test_images_that_nobody_asks_for_are_not_kept_for_ever():
    pairs = Pairs(keep=15)
    for k in range(100):
        pairs.image(k * FRAME)
    pairs.pose(84 * FRAME)
    pairs.pose(85 * FRAME)
    assert pairs.used == [(84 * FRAME, None), (85 * FRAME, 85 * FRAME)]


def test_the_end_gives_the_last_pose_its_turn(flowing):
    flowing.pose(FRAME)
    flowing.pairing.flush()
    flowing.pairing.flush()
    assert flowing.used == [(FRAME, None)]


def test_a_pose_that_is_refused_takes_no_other_with_it():
    pairs = Pairs(refuse=[FRAME])
    pairs.image(0)
    pairs.pose(FRAME)
    with pytest.raises(InputError):
        pairs.pose(2 * FRAME)
    pairs.image(2 * FRAME)
    assert pairs.used == [(FRAME, None), (2 * FRAME, 2 * FRAME)]
