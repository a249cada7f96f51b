"""EDF, BDF, C3D and XDF files: written by their own libraries, read back, and played."""

import struct

import numpy as np
import pytest

from lbp_rehab.emg.file_source import read_recording
from lbp_rehab.emg.sources import open_source
from lbp_rehab.errors import InputError

RATE_HZ = 1000.0


@pytest.fixture
def volts():
    """3 s of three channels within 5 mV."""
    return 1e-3 * np.random.default_rng(1).standard_normal((3000, 3)).clip(-4.9, 4.9)


# EDF and BDF


def write_edf(path, rows):
    """Write rows of (label, unit, samples, rate)."""
    edfio = pytest.importorskip("edfio")
    kind, signal = (
        (edfio.Bdf, edfio.BdfSignal) if path.suffix == ".bdf" else (edfio.Edf, edfio.EdfSignal)
    )
    signals = [
        signal(data, rate, label=label, physical_dimension=unit) for label, unit, data, rate in rows
    ]
    kind(signals, annotations=[edfio.EdfAnnotation(0.5, None, "start")]).write(path)
    return path


@pytest.mark.parametrize(("ending", "step"), [(".edf", 1e-2 / 2**16), (".bdf", 1e-2 / 2**24)])
def test_edf_keeps_values_units_and_labels(tmp_path, volts, ending, step):
    path = write_edf(
        tmp_path / f"a{ending}",
        [("EMG LMF", "uV", 1e6 * volts[:, 0], 1000), ("EMG RMF", "mV", 1e3 * volts[:, 1], 1000)],
    )
    recording = read_recording(path)
    assert recording.labels == ("EMG LMF", "EMG RMF")
    assert recording.rate_hz == RATE_HZ
    np.testing.assert_allclose(recording.data, volts[:, :2], atol=1.5 * step + 1e-9)
    np.testing.assert_array_equal(recording.index, np.arange(3000))
    assert recording.reports == ()


def test_edf_with_several_rates_gives_that_of_the_emg_and_says_what_is_left_out(tmp_path, volts):
    path = write_edf(
        tmp_path / "a.edf",
        [
            ("Fz", "uV", volts[:750, 0] * 1e6, 250),
            ("Cz", "uV", volts[:750, 1] * 1e6, 250),
            ("Pz", "uV", volts[:750, 2] * 1e6, 250),
            ("LMF", "uV", volts[:, 0] * 1e6, 1000),
            ("RMF", "uV", volts[:, 1] * 1e6, 1000),
            ("Resp", "degC", volts[:, 2] * 1e3, 1000),
        ],
    )
    recording = read_recording(path)
    assert recording.labels == ("LMF", "RMF")
    assert recording.rate_hz == RATE_HZ
    said = " ".join(recording.reports)
    assert "'Resp' (degC)" in said
    assert "not at 1000 Hz: 'Fz' (250 Hz), 'Cz' (250 Hz), 'Pz' (250 Hz)" in said


def test_a_discontinuous_edf_has_a_gap(tmp_path, volts):
    path = write_edf(tmp_path / "a.edf", [("LMF", "uV", volts[:, 0] * 1e6, 1000)])
    raw = bytearray(path.read_bytes())
    raw[192:197] = b"EDF+D"
    assert raw.count(b"+2\x14\x14") == 1
    at = raw.index(b"+2\x14\x14")
    raw[at : at + 4] = b"+5\x14\x14"  # the third record, of 1 s, begins 3 s late
    path.write_bytes(raw)
    recording = read_recording(path)
    np.testing.assert_array_equal(recording.index, [*range(2000), *range(5000, 6000)])


def test_a_torn_edf_is_used_as_far_as_it_goes_and_said(tmp_path, volts):
    path = write_edf(tmp_path / "a.edf", [("LMF", "uV", volts[:, 0] * 1e6, 1000)])
    path.write_bytes(path.read_bytes()[:-900])
    recording = read_recording(path)
    assert len(recording.data) == 2000
    assert recording.reports == ("a.edf is cut off; the 2 whole records are used",)
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(InputError, match=r"a\.edf is no EDF file, or is torn"):
        read_recording(path)


# C3D


def write_c3d(path, labels, units, data):
    ezc3d = pytest.importorskip("ezc3d")
    file = ezc3d.c3d()
    file["parameters"]["ANALOG"]["RATE"]["value"] = [RATE_HZ]
    file["parameters"]["POINT"]["RATE"]["value"] = [100.0]
    file["parameters"]["ANALOG"]["LABELS"]["value"] = labels
    file["parameters"]["ANALOG"]["UNITS"]["value"] = units
    file["data"]["points"] = np.zeros((4, 0, len(data) // 10))
    file["data"]["analogs"] = data.T[None]
    file.write(str(path))
    return path


def test_c3d_gives_the_analog_voltages_at_their_own_rate(tmp_path, volts):
    data = volts * [1.0, 1e3, 1.0]
    path = write_c3d(tmp_path / "a.c3d", ["LMF", "RMF", "Fz1"], ["V", "mV", "N"], data)
    recording = read_recording(path)
    assert recording.labels == ("LMF", "RMF")
    assert recording.rate_hz == RATE_HZ
    np.testing.assert_allclose(recording.data, volts[:, :2], rtol=1e-5, atol=1e-12)
    assert recording.reports == ("a.c3d (analog): left out, being no voltage: 'Fz1' (N)",)


def test_c3d_without_names_and_units(tmp_path, volts):
    path = write_c3d(tmp_path / "a.c3d", ["", ""], ["", ""], volts[:, :2])
    with pytest.raises(InputError, match="does not say the unit of 'emg1'"):
        read_recording(path)
    recording = read_recording(path, unit="mV")
    assert recording.labels == ("emg1", "emg2")
    np.testing.assert_allclose(recording.data, 1e-3 * volts[:, :2], rtol=1e-5, atol=1e-12)


def test_a_c3d_with_a_sample_that_is_no_number_or_no_c3d_is_refused(tmp_path, volts):
    volts[100, 1] = np.nan
    path = write_c3d(tmp_path / "a.c3d", ["LMF", "RMF"], ["V", "V"], volts[:, :2])
    with pytest.raises(InputError, match="sample 101 of 'RMF' is not a finite number"):
        read_recording(path)
    (tmp_path / "b.c3d").write_bytes(b"no c3d at all" * 100)
    with pytest.raises(InputError, match=r"b\.c3d is no C3D file, or is torn"):
        read_recording(tmp_path / "b.c3d")


# XDF


def xdf_chunk(tag, content):
    return b"\x04" + struct.pack("<IH", len(content) + 2, tag) + content


def xdf_stream(number, name, labels, stamps, data, *, kind="EMG", offset_s=0.0):
    """Return the chunks of a stream as the XDF specification has them."""
    channels = "".join(
        f"<channel><label>{label}</label><unit>uV</unit></channel>" for label in labels
    )
    header = (
        f"<?xml version='1.0'?><info><name>{name}</name><type>{kind}</type>"
        f"<channel_count>{data.shape[1]}</channel_count><nominal_srate>{RATE_HZ}</nominal_srate>"
        f"<channel_format>float32</channel_format><source_id>{name}-id</source_id>"
        f"<desc><channels>{channels}</channels></desc></info>"
    )
    identity = struct.pack("<I", number)
    out = xdf_chunk(2, identity + header.encode())
    for at_s in (stamps[0], stamps[len(stamps) // 2], stamps[-1]):
        out += xdf_chunk(4, identity + struct.pack("<dd", at_s, offset_s))
    for k in range(0, len(stamps), 100):
        rows = zip(stamps[k : k + 100], data[k : k + 100].astype("<f4"), strict=True)
        samples = b"".join(b"\x08" + struct.pack("<d", s) + row.tobytes() for s, row in rows)
        count = len(stamps[k : k + 100])
        out += xdf_chunk(3, identity + b"\x04" + struct.pack("<I", count) + samples)
    return out


def write_xdf(path, *streams):
    pytest.importorskip("pyxdf")
    head = xdf_chunk(1, b"<?xml version='1.0'?><info><version>1.0</version></info>")
    path.write_bytes(b"XDF:" + head + b"".join(streams))
    return path


def stamps_of(n, rate_hz=RATE_HZ):
    return 500.0 + np.arange(n) / rate_hz


def test_xdf_gives_the_emg_stream_with_its_gap(tmp_path, volts):
    stamps = stamps_of(3000)
    stamps[1200:] += 0.25
    path = write_xdf(
        tmp_path / "a.xdf",
        xdf_stream(1, "amp", ["LMF", "RMF"], stamps, 1e6 * volts[:, :2], offset_s=7.0),
        xdf_stream(2, "cap", ["Cz"], stamps_of(100), 1e6 * volts[:100, :1], kind="EEG"),
    )
    recording = read_recording(path)
    assert recording.labels == ("LMF", "RMF")
    assert recording.rate_hz == pytest.approx(RATE_HZ, rel=1e-4)
    np.testing.assert_allclose(recording.data, volts[:, :2], rtol=1e-5, atol=1e-10)
    assert recording.index[1200] - recording.index[1199] == 251
    assert recording.index[-1] == 3249
    assert recording.reports == ()


def test_xdf_streams_are_chosen_by_name(tmp_path, volts):
    path = write_xdf(
        tmp_path / "a.xdf",
        *(
            xdf_stream(k, name, ["LMF"], stamps_of(3000), scale * volts[:, :1])
            for k, (name, scale) in enumerate((("left", 1e6), ("right", 2e6)), start=1)
        ),
    )
    with pytest.raises(InputError, match="2 streams with type=EMG; choose one of 'left'"):
        read_recording(path)
    with pytest.raises(InputError, match="0 streams with name=middle"):
        read_recording(path, name="middle")
    recording = read_recording(path, name="right")
    np.testing.assert_allclose(recording.data[:, 0], 2 * volts[:, 0], rtol=1e-5, atol=1e-10)


@pytest.mark.parametrize("jitter_s", [0.0, 0.004])
def test_xdf_with_a_wrong_rate_is_said_and_measured(tmp_path, volts, jitter_s):
    jitter = jitter_s * np.repeat(np.random.default_rng(0).random(150), 20)
    stamps = stamps_of(3000, 900.0) + jitter  # stamped in blocks, on arrival
    path = write_xdf(tmp_path / "a.xdf", xdf_stream(1, "amp", ["LMF"], stamps, 1e6 * volts[:, :1]))
    recording = read_recording(path)
    assert recording.rate_hz == pytest.approx(900, rel=2e-3)
    (report,) = recording.reports
    assert "states 1000 Hz, but its time of the samples gives" in report
    np.testing.assert_array_equal(recording.index, np.arange(3000))


def test_a_torn_xdf_is_used_as_far_as_it_goes_and_said(tmp_path, volts):
    path = write_xdf(
        tmp_path / "a.xdf", xdf_stream(1, "amp", ["LMF"], stamps_of(3000), volts[:, :1])
    )
    path.write_bytes(path.read_bytes()[:-300])
    recording = read_recording(path)
    assert len(recording.data) == 2900
    assert recording.reports == ("a.xdf is cut off or damaged; what could be read is used",)
    path.write_bytes(b"XDF?" + path.read_bytes()[4:])
    with pytest.raises(InputError, match=r"a\.xdf is no XDF file, or is torn"):
        read_recording(path)


@pytest.mark.parametrize(
    ("ending", "text"), [(".edf", "EDF"), (".bdf", "BDF"), (".c3d", "C3D"), (".xdf", "XDF")]
)
def test_an_empty_file_and_one_of_zeros_are_refused_in_one_sentence(tmp_path, ending, text):
    path = tmp_path / f"a{ending}"
    path.touch()
    with pytest.raises(InputError, match="is empty"):
        read_recording(path)
    path.write_bytes(bytes(5000))
    with pytest.raises(InputError, match=f"no {text} file") as refused:
        read_recording(path)
    assert "\n" not in str(refused.value)


def test_a_file_is_played_with_its_gap_declared(tmp_path, volts, start_ns):
    stamps = stamps_of(3000)
    stamps[1200:] += 0.25
    path = write_xdf(tmp_path / "a.xdf", xdf_stream(1, "amp", ["LMF"], stamps, 1e6 * volts[:, :1]))
    source = open_source(f"file:{path}?name=amp|type=EMG", 0.02)
    source.open(start_ns)
    chunks = []
    while (chunk := source.read(start_ns + 10_000_000_000)) is not None:
        chunks.append(chunk)
    assert [c.lost_before for c in chunks if c.lost_before] == [250]
    assert sum(len(c.data) for c in chunks) == 3000
