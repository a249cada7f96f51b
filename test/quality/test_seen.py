import json

import numpy as np
import pytest
from rclpy.serialization import serialize_message

from lbp_rehab import cli
from lbp_rehab.bags import BagWriter, Topic
from lbp_rehab.bags.definitions import installed
from lbp_rehab.nodes import convert
from lbp_rehab.quality.seen import Seen

BENDS = np.linspace(0.0, 1.2, 61)


def poses(patient):
    """A forward bend of 1.2 rad, with everything but shoulders, hips, knees and ankles unknown."""
    return [patient.body_pose(0.1 * k, patient.standing(b)) for k, b in enumerate(BENDS)]


@pytest.fixture
def seen(patient):
    seen = Seen()
    for k, pose in enumerate(poses(patient)):
        seen.add(pose=pose)
        seen.add(pelvis=patient.pelvis_state(0.1 * k, lumbar_flexion=0.3))
        seen.add(activation=patient.activation(0.1 * k, multifidus_l=0.4))
    return seen


def test_the_range_of_each_measure_is_that_of_the_movement(seen):
    found = {each.name: each for each in seen.measures()}
    low, high = np.percentile(np.pi - BENDS, [2.0, 98.0])
    assert found["hip_extension"].low == pytest.approx(low, abs=1e-6)
    assert found["hip_extension"].high == pytest.approx(high, abs=1e-6)
    assert found["lumbar_flexion"].low == found["lumbar_flexion"].high == pytest.approx(0.3)
    assert found["activation_multifidus_l"].high == pytest.approx(0.4)
    assert found["hip_extension"].share == 1.0


def test_what_moves_most_clearly_comes_first_and_the_unknown_is_named(seen):
    names = [each.name for each in seen.measures()]
    assert names.index("trunk_inclination") < names.index("knee_flexion")
    assert names.index("hip_extension") < names.index("lumbar_flexion")
    assert seen.unknown()["elbow_flexion"] == "out_of_view"
    assert "belly_rise" not in seen.unknown()  # nothing came of it


def test_an_angle_that_turns_over_has_not_moved(patient):
    seen = Seen()
    for k in range(20):
        facing = (np.pi - 0.02) * (-1) ** k
        seen.add(pelvis=patient.pelvis_state(0.1 * k, rotation=facing))
    (rotation,) = (each for each in seen.measures() if each.name == "pelvis_rotation")
    assert rotation.high - rotation.low == pytest.approx(0.04)


@pytest.fixture
def bag(tmp_path):
    def write(messages, namespace=""):
        writer = BagWriter(tmp_path / "bag")
        for topic, kind in {(topic, type(m).__name__) for topic, m, _ in messages}:
            name = f"lbp_rehab/msg/{kind}"
            form = installed(name)
            writer.add_topic(
                Topic(namespace + topic, name, form.text, form.encoding, form.type_hash, ())
            )
        for topic, message, stamp_ns in messages:
            writer.write(namespace + topic, serialize_message(message), stamp_ns, stamp_ns)
        writer.close()
        return tmp_path / "bag"

    return write


@pytest.mark.parametrize("namespace", ["", "/lab1"])
def test_a_recorded_session_is_read_but_not_its_truth(bag, patient, namespace, capsys):
    messages = [("/body/pose", convert.to_body_pose(p), p.stamp_ns) for p in poses(patient)]
    still = convert.to_pelvis_state(patient.pelvis_state(0.0, tilt=0.1))
    messages.append(("/pelvis/state", still, patient.stamp_of(0.0)))
    folder = bag(messages, namespace)
    assert cli.main(["exercises", "--seen", str(folder), "--json", "-"]) == 0
    captured = capsys.readouterr()
    rows = {row["name"]: row for row in json.loads(captured.out)["seen"]}
    assert rows["hip_extension"]["unit"] == "rad"
    assert rows["hip_extension"]["low"] == pytest.approx(np.pi - 1.2, abs=0.05)
    assert rows["pelvis_tilt"]["high"] == pytest.approx(0.1, abs=1e-6)
    (line,) = [r for r in captured.err.splitlines() if r.startswith("trunk_inclination ")]
    assert line.split() == ["trunk_inclination", "1", "deg", "67", "deg", "0", "deg", "100", "%"]


def test_a_bag_of_truth_alone_is_refused(bag, patient, capsys):
    pose = poses(patient)[0]
    folder = bag([("/truth/body/pose", convert.to_body_pose(pose), pose.stamp_ns)])
    assert cli.main(["exercises", "--seen", str(folder)]) == cli.EXIT_ERROR
    assert "holds no body/pose; record a session" in capsys.readouterr().err
