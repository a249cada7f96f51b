"""CSV files: headers, units, rates, gaps, pace, and what is refused."""

import gzip

import numpy as np
import pytest

from lbp_rehab.emg.file_source import read_recording
from lbp_rehab.emg.sources import open_source
from lbp_rehab.errors import InputError


@pytest.fixture
def write(tmp_path):
    def make(text, name="emg.csv"):
        path = tmp_path / name
        data = text.encode()
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return path

    return make


def test_header_and_unit_row(write):
    path = write("time,LMF,RMF\nms,uV,mV\n0,10,1\n1,20,2\n2,30,3\n")
    recording = read_recording(path)
    assert recording.labels == ("LMF", "RMF")
    assert recording.rate_hz == pytest.approx(1000)
    np.testing.assert_allclose(recording.data, [[1e-5, 1e-3], [2e-5, 2e-3], [3e-5, 3e-3]])


def test_header_without_units_or_time_takes_the_options(write):
    path = write("LMF;RMF\n10;20\n30;40\n", "emg.csv.gz")
    recording = read_recording(path, unit="uV", rate="2000")
    assert recording.rate_hz == 2000
    np.testing.assert_allclose(recording.data, np.array([[10, 20], [30, 40]]) * 1e-6)


def test_headerless_is_time_then_channels(write):
    recording = read_recording(write("0.0,1\n0.004,2\n0.008,3\n"), unit="mV")
    assert recording.labels == ("emg1",)
    assert recording.rate_hz == pytest.approx(250)


def test_rate_survives_rounded_times_and_a_gap(write):
    index = np.concatenate([np.arange(500), np.arange(700, 1000)])
    rows = "".join(f"{k / 1926.0:.3f},1\n" for k in index)  # steps of 0 and 1 ms
    recording = read_recording(write(rows), unit="uV")
    assert recording.rate_hz == pytest.approx(1926, rel=5e-3)
    assert recording.index[500] - recording.index[499] == pytest.approx(201, abs=2)


@pytest.mark.parametrize(
    ("text", "options", "sentence"),
    [
        ("time,a\n0,1\n1,2\n", {}, "unit of 'a'"),
        ("a,b\n1,2\n3,4\n", {"unit": "uV"}, "sampling rate"),
        ("a,b\n1,2\n3,4\n", {"unit": "uV", "rate": "fast"}, "sampling rate"),
        ("time,a\n0,1\n1,x\n", {"unit": "uV"}, "table of numbers"),
        ("time,a\n0,1\n1,nan\n", {"unit": "uV"}, "line 3"),
        ("time,a\n0,1\n2,1\n1,1\n", {"unit": "uV"}, "sample 3"),
        ("time,a\n0,1\n1,1\n", {"unit": "kg"}, "'kg'"),
        ("t,a\n0,1\n1,1\n", {"unit": "uV", "time": "clock"}, "no column 'clock'"),
        ("", {"unit": "uV"}, "is empty"),
        ("\n\n", {"unit": "uV"}, "is empty"),
        ("time,a,a\n0,1,2\n1,1,2\n", {"unit": "uV"}, "two channels of one label, 'a'"),
        ("time\n0\n1\n", {"unit": "uV"}, "no channels"),
        ("time,a\nhours,uV\n0,1\n1,1\n", {}, "'hours' is no unit of time"),
        ("time,a\n0,1\n1,1\n", {"unit": "uV", "name": "x"}, "'name' means nothing"),
    ],
)
@pytest.mark.filterwarnings("ignore:loadtxt")
def test_what_cannot_be_read_is_said(write, text, options, sentence):
    with pytest.raises(InputError, match=sentence):
        read_recording(write(text), **options)


def test_what_is_no_voltage_is_left_out_unless_it_is_mapped(write):
    path = write("time,LMF,force\ns,uV,N\n0,1,7\n1,2,7\n")
    recording = read_recording(path)
    assert recording.labels == ("LMF",)
    assert recording.reports == ("emg.csv: left out, being no voltage: 'force' (N)",)
    with pytest.raises(InputError, match="'force' in 'N', which is no voltage"):
        read_recording(path, mapped={"force"})


def test_the_measured_rate_counts_and_the_difference_is_said(write):
    path = write("time,a\ns,uV\n" + "".join(f"{k / 950},1\n" for k in range(100)))
    recording = read_recording(path, rate="1000")
    assert recording.rate_hz == pytest.approx(950)
    (report,) = recording.reports
    assert "states 1000 Hz, but its time column gives 950.0 Hz" in report
    assert read_recording(path, rate="960").reports == ()


def test_missing_and_broken_files(tmp_path):
    with pytest.raises(InputError, match="there is no sEMG file"):
        read_recording(tmp_path / "none.csv")
    with pytest.raises(InputError, match="no format that sEMG is read from"):
        read_recording(tmp_path / "emg.mat")
    (tmp_path / "bad.csv.gz").write_bytes(b"no gzip")
    with pytest.raises(InputError, match="cannot be read"):
        read_recording(tmp_path / "bad.csv.gz")


def test_chunks_come_when_due_and_carry_every_sample(write, start_ns):
    index = np.concatenate([np.arange(100), np.arange(150, 300)])
    path = write("time,a\ns,uV\n" + "".join(f"{k / 1000},{k}\n" for k in index))
    source = open_source(f"file:{path}", 0.02)
    source.open(start_ns)
    assert source.read(start_ns + 18_999_000) is None
    chunks = []
    for now_ns in range(start_ns, start_ns + 400_000_000, 1_000_000):
        while (chunk := source.read(now_ns)) is not None:
            last_ns = chunk.end_ns - 1_000_000
            assert last_ns - 1000 <= now_ns < last_ns + 1_001_000
            chunks.append(chunk)
    assert source.finished
    assert np.concatenate([c.data[:, 0] for c in chunks]) == pytest.approx(index * 1e-6)
    assert [c.lost_before for c in chunks if c.lost_before] == [50]
    for chunk in chunks:
        assert chunk.stamp_ns == pytest.approx(start_ns + chunk.first_sample * 1_000_000, abs=1000)
        assert len(chunk.data) <= 20
        assert chunk.source == "emg.csv"


@pytest.mark.parametrize(
    ("specification", "sentence"),
    [
        ("serial:/dev/x", "unknown sEMG source"),
        ("file:", "lacks a path"),
        ("file:a.csv?units=uV", "units=uV"),
        ("lsl:name", "key=value"),
        ("lsl:name=it's", "apostrophe"),
        ("topic:x", "unknown sEMG source"),
        ("brainflow:", "lacks a board"),
        ("brainflow:ganglion?baud=9600", "baud=9600"),
    ],
)
def test_a_wrong_specification_is_refused(specification, sentence):
    with pytest.raises(InputError, match=sentence):
        open_source(specification, 0.02)


def test_topic_and_none_have_no_source():
    assert open_source("topic", 0.02) is None
    assert open_source("none", 0.02) is None
