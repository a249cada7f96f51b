import numpy as np
import pytest

from lbp_rehab.errors import InputError
from lbp_rehab.estimate import Status
from lbp_rehab.skeletons.csv_file import CsvOptions, read_csv
from lbp_rehab.skeletons.layouts import LAYOUTS

KINECT = LAYOUTS["kinect25"]
RATE_HZ = 30.0


def edit(path, change):
    """Rewrite the lines of a file; line 1 is the header."""
    lines = path.read_text().splitlines()
    change(lines)
    path.write_text("\n".join(lines) + "\n")
    return path


def same(recording, joints, rows=slice(None)):
    """Whether a recording holds these joints."""
    known = np.isfinite(joints[rows]).all(axis=2)
    np.testing.assert_array_equal(recording.status != Status.UNKNOWN, known)
    np.testing.assert_allclose(recording.position[known], joints[rows][known], atol=1e-6)


@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize("fourth", [True, False])
def test_every_layout_comes_back_as_written(
    tmp_path, bends, name, header, fourth, *, write, joints_of
):
    layout = LAYOUTS[name]
    joints = joints_of(bends, layout)
    path = write(tmp_path / "a.csv", layout, joints, header=header, fourth=fourth)
    recording = read_csv(path, layout)
    same(recording, joints)
    np.testing.assert_allclose(
        recording.stamps_ns, np.round(np.arange(len(bends)) / RATE_HZ, 4) * 1e9, atol=1
    )
    assert recording.counts["rows"] == len(bends)


def test_the_header_may_be_in_another_order(tmp_path, bends, write, joints_of):
    joints = joints_of(bends, KINECT)
    order = np.random.default_rng(0).permutation(len(KINECT.joints))
    same(read_csv(write(tmp_path / "a.csv", KINECT, joints, order=order), KINECT), joints)


def test_a_file_without_time_takes_the_rate(tmp_path, bends, write, joints_of):
    path = write(tmp_path / "a.csv", KINECT, joints_of(bends, KINECT), header=False, time=False)
    stamps = read_csv(path, KINECT, CsvOptions(rate_hz=25.0)).stamps_ns
    assert np.diff(stamps).tolist() == [40_000_000] * (len(bends) - 1)
    with pytest.raises(InputError, match="no time column; give --rate"):
        read_csv(path, KINECT)


@pytest.mark.parametrize(("title", "scale"), [("time", 1000), ("time_ms", 1000), ("t", 1e9)])
def test_the_unit_of_time_is_named_or_told_by_its_steps(kinect, title, scale):
    def change(lines):
        lines[0] = lines[0].replace("time", title, 1)
        for i in range(1, len(lines)):
            first, rest = lines[i].split(",", 1)
            lines[i] = f"{scale * float(first):.0f},{rest}"

    recording = read_csv(edit(kinect, change), KINECT)
    np.testing.assert_allclose(np.diff(recording.stamps_ns) / 1e9, 1 / RATE_HZ, atol=2e-3)


def test_a_time_that_is_no_trackers_asks_for_the_rate(kinect):
    def change(lines):
        for i in range(1, len(lines)):
            lines[i] = f"{333333 * i},{lines[i].split(',', 1)[1]}"

    with pytest.raises(InputError, match=r"steps of 333333, .* give --rate"):
        read_csv(edit(kinect, change), KINECT)


def test_millimetres_are_seen_by_the_size_of_the_body_and_said(tmp_path, bends, write, joints_of):
    joints = joints_of(bends, KINECT)
    recording = read_csv(write(tmp_path / "a.csv", KINECT, joints, scale=1000.0), KINECT)
    np.testing.assert_allclose(recording.position[np.isfinite(joints)], joints[np.isfinite(joints)],
                               atol=1e-6)  # fmt: skip
    assert any("taken as mm" in report for report in recording.reports)


def test_a_size_that_is_no_persons_asks_for_the_unit(tmp_path, bends, write, joints_of):
    path = write(tmp_path / "a.csv", KINECT, joints_of(bends, KINECT), scale=20.0)
    with pytest.raises(InputError, match=r"trunk in a\.csv is 10 long, .* give --unit"):
        read_csv(path, KINECT)
    assert read_csv(path, KINECT, CsvOptions(unit="m")).position.max() > 20.0


def test_flat_and_image_coordinates_are_refused(tmp_path, bends, write, joints_of):
    layout = LAYOUTS["coco17"]
    joints = joints_of(bends, layout)
    flat = joints.copy()
    flat[..., 2] = 0.5
    with pytest.raises(InputError, match="flat"):
        read_csv(write(tmp_path / "a.csv", layout, flat), layout)
    inside = joints / 4.0 + 0.5
    with pytest.raises(InputError, match="places in an image"):
        read_csv(write(tmp_path / "b.csv", layout, inside), layout)


def test_a_torn_last_line_costs_itself_only(kinect, bends, joints_of):
    kinect.write_text(kinect.read_text()[:-200])
    recording = read_csv(kinect, KINECT)
    same(recording, joints_of(bends, KINECT), slice(0, -1))
    line = len(bends) + 1
    assert f"the last line, {line}, is torn: left out" in recording.reports
    assert recording.counts["rows_torn"] == 1


def test_a_row_of_nan_is_a_frame_of_which_nothing_is_known(kinect, bends, joints_of):
    def change(lines):
        time = lines[51].split(",")[0]
        lines[51] = ",".join([time] + ["nan"] * lines[51].count(","))

    recording = read_csv(edit(kinect, change), KINECT)
    assert (recording.status[50] == Status.UNKNOWN).all()
    assert (recording.position[50] == 0).all()
    expected = joints_of(bends, KINECT)
    expected[50] = np.nan
    same(recording, expected)
    assert recording.counts["joints_not_a_number"] == len(KINECT.joints)


def test_an_empty_or_textual_cell_costs_its_joint_only(kinect, bends, joints_of):
    def change(lines):
        cells = lines[11].split(",")
        cells[1 + 4 * KINECT.joints.index("KneeLeft")] = ""
        cells[3 + 4 * KINECT.joints.index("HipLeft")] = "?"
        lines[11] = ",".join(cells)

    recording = read_csv(edit(kinect, change), KINECT)
    expected = joints_of(bends, KINECT)
    for joint in ("KneeLeft", "HipLeft"):
        expected[10, KINECT.joints.index(joint)] = np.nan
    same(recording, expected)
    assert recording.counts["joints_not_a_number"] == 2
    assert any("text in 1 row (line 12)" in report for report in recording.reports)


def test_rows_of_a_wrong_width_keep_their_place_in_time(tmp_path, bends, write, joints_of):
    joints = joints_of(bends, KINECT)
    path = write(tmp_path / "a.csv", KINECT, joints, header=False, time=False)

    def change(lines):
        lines[20] += ",1.0"
        lines[40] = "1,2,3"

    recording = read_csv(edit(path, change), KINECT, CsvOptions(rate_hz=RATE_HZ))
    kept = np.delete(np.arange(len(bends)), [20, 40])
    same(recording, joints, kept)
    np.testing.assert_allclose(recording.stamps_ns, kept / RATE_HZ * 1e9, atol=1)
    assert "2 rows (line 21, 41) of a wrong number of columns: left out" in recording.reports


def test_a_row_out_of_order_is_left_out(kinect, bends, joints_of):
    def change(lines):
        lines[31] = "0.5," + lines[31].split(",", 1)[1]

    recording = read_csv(edit(kinect, change), KINECT)
    same(recording, joints_of(bends, KINECT), np.delete(np.arange(len(bends)), 30))
    assert recording.counts["rows_out_of_order"] == 1


def test_after_a_jump_back_of_the_time_nothing_is_lost(kinect, bends, joints_of):
    def change(lines):
        for i in range(101, len(lines)):
            time, rest = lines[i].split(",", 1)
            lines[i] = f"{float(time) - 2.0:.4f},{rest}"

    recording = read_csv(edit(kinect, change), KINECT)
    same(recording, joints_of(bends, KINECT))
    steps = np.diff(recording.stamps_ns) / 1e9
    assert steps.argmax() == 99
    assert steps[99] == pytest.approx(3.0, abs=1e-3)
    assert (steps > 0).all()
    assert any("jumps back by 2.0 s at line 102" in report for report in recording.reports)


def test_a_state_that_is_none_is_counted(kinect):
    hip = KINECT.joints.index("HipLeft")

    def change(lines):
        cells = lines[6].split(",")
        cells[4 + 4 * hip] = "9"
        lines[6] = ",".join(cells)

    recording = read_csv(edit(kinect, change), KINECT)
    assert recording.counts["joints_odd_state"] == 1
    assert recording.status[5, hip] == Status.UNKNOWN


def test_states_may_be_words(kinect):
    def change(lines):
        cells = lines[5].split(",")
        hip, knee = KINECT.joints.index("HipLeft"), KINECT.joints.index("KneeLeft")
        cells[4 + 4 * hip], cells[4 + 4 * knee] = "Inferred", "NotTracked"
        lines[5] = ",".join(cells)

    recording = read_csv(edit(kinect, change), KINECT)
    assert recording.status[4, KINECT.joints.index("HipLeft")] == Status.INFERRED
    assert recording.status[4, KINECT.joints.index("KneeLeft")] == Status.UNKNOWN


@pytest.mark.parametrize(
    ("given", "taken", "says"),
    [
        ("kinect25", "coco17", r"names no joint of coco17; they are those of kinect25"),
        ("coco17", "kinect25", r"names no joint of kinect25; they are those of coco17"),
    ],
)
def test_a_wrong_layout_is_named(tmp_path, bends, given, taken, says, *, write, joints_of):
    layout = LAYOUTS[given]
    path = write(tmp_path / "a.csv", layout, joints_of(bends, layout))
    with pytest.raises(InputError, match=says):
        read_csv(path, LAYOUTS[taken])


def test_a_wrong_number_of_columns_says_whose_it_is(tmp_path, bends, write, joints_of):
    path = write(tmp_path / "a.csv", KINECT, joints_of(bends, KINECT), header=False)
    with pytest.raises(
        InputError, match="101 columns, which is not coco17: so many are those of k"
    ):
        read_csv(path, LAYOUTS["coco17"])


@pytest.mark.parametrize("text", ["", "\n\n", " \n"])
def test_an_empty_file_is_refused(tmp_path, text):
    path = tmp_path / "a.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=r"a\.csv is empty"):
        read_csv(path, KINECT)


def test_a_header_without_rows_and_a_missing_file_are_refused(tmp_path, kinect):
    kinect.write_text(kinect.read_text().splitlines()[0] + "\n")
    with pytest.raises(InputError, match="no row of numbers"):
        read_csv(kinect, KINECT)
    with pytest.raises(InputError, match="cannot read"):
        read_csv(tmp_path / "none.csv", KINECT)


def test_a_joint_that_lacks_an_axis_is_refused(kinect):
    def change(lines):
        lines[0] = lines[0].replace("KneeLeft_z", "Knee_Left_depth")

    with pytest.raises(InputError, match="no z of KneeLeft"):
        read_csv(edit(kinect, change), KINECT)


def test_semicolons_with_decimal_commas_are_read(kinect, bends, joints_of):
    kinect.write_text(kinect.read_text().replace(",", ";").replace(".", ","))
    same(read_csv(kinect, KINECT), joints_of(bends, KINECT))


def test_kimore_loads_whole(kimore):
    for name, rows in (("JointPositionExercise1.csv", 505), ("JointPositionExercise5.csv", 517)):
        recording = read_csv(kimore / name, KINECT, CsvOptions(rate_hz=30.0))
        assert recording.position.shape == (rows, 25, 3)
        assert not any("left out" in report for report in recording.reports)
        # One line of the file, looked up by hand.
        if rows == 505:
            knee = recording.position[0, KINECT.joints.index("KneeLeft")]
            np.testing.assert_allclose(knee, [-0.237711, -1.13347, 2.6183])
            foot = recording.status[0, KINECT.joints.index("FootLeft")]
            assert foot == Status.INFERRED
