"""Calibrations on disk, by person and session; channels judged each for itself."""

from pathlib import Path

import pytest

from lbp_rehab.emg.mvc import MvcRecording, MvcStore, read_mvc
from lbp_rehab.emg.types import Activation, Channel, Muscle, MuscleActivation, Quality, Side
from lbp_rehab.errors import InputError
from lbp_rehab.estimate import Estimate, Reason

UNKNOWN = Estimate.unknown(Reason.SENSOR_FAULT)


@pytest.fixture
def store(tmp_path):
    return MvcStore(tmp_path / "store", "p7", "2026-03-01")


def test_what_is_added_is_read_again_as_an_mvc_file(store):
    assert store.read() == {}
    store.add({"LMF": 3.5e-4, "Rücken": 1e-4})
    assert store.read() == {"LMF": 3.5e-4, "Rücken": 1e-4}
    assert store.path == store.folder / "p7" / "2026-03-01.yaml"
    assert read_mvc(store.path) == store.read()


def test_new_values_replace_their_own_channels_only(store):
    store.add({"LMF": 3.5e-4, "RMF": 3e-4})
    store.add({"RMF": 4e-4, "LES": 1e-4})
    assert store.read() == {"LMF": 3.5e-4, "RMF": 4e-4, "LES": 1e-4}
    assert [p.name for p in store.path.parent.iterdir()] == ["2026-03-01.yaml"]


@pytest.mark.parametrize(("person", "session"), [("p7", "2026-03-02"), ("p8", "2026-03-01")])
def test_another_session_or_person_is_never_taken(store, person, session):
    store.add({"LMF": 3.5e-4})
    assert MvcStore(store.folder, person, session).read() == {}


@pytest.mark.parametrize("name", ["", "..", "a/b", "p 7", "p.7", "p7\n", "Jürgen"])
def test_a_name_that_could_leave_the_folder_is_refused(tmp_path, name):
    with pytest.raises(InputError, match="person_id is"):
        MvcStore(tmp_path, name, "s1")
    with pytest.raises(InputError, match="session is"):
        MvcStore(tmp_path, "p7", name)


def test_a_folder_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be stored"):
        MvcStore(tmp_path / "file", "p7", "s1").add({"LMF": 1e-4})


def test_what_was_stored_is_kept_when_the_new_cannot_be(store, monkeypatch):
    store.add({"LMF": 3.5e-4})

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", full)
        with pytest.raises(InputError, match="No space left"):
            store.add({"LMF": 1e-4})
    assert store.read() == {"LMF": 3.5e-4}
    assert [p.name for p in store.path.parent.iterdir()] == ["2026-03-01.yaml"]


def test_a_broken_file_is_not_written_over(store):
    store.add({"LMF": 3.5e-4})
    store.path.write_text("LMF: high\n")
    with pytest.raises(InputError, match="gives 'high' for 'LMF'"):
        store.add({"RMF": 1e-4})
    assert store.path.read_text() == "LMF: high\n"


def recorded(envelopes, only, channels):
    """Record 2 s at 50 Hz; each channel has its constant envelope in volts, or none."""
    recording = MvcRecording(Muscle.UNKNOWN, Side.NONE, 2.0, 0.5, only)
    muscles = tuple(
        MuscleActivation(
            channel, UNKNOWN, UNKNOWN if volts is None else Estimate(volts, 1e-9), False, 0,
            UNKNOWN, UNKNOWN,
        )
        for channel, volts in zip(channels, envelopes, strict=True)
    )  # fmt: skip
    for k in range(1000):
        instant = Activation(k * 20_000_000, 0.0, muscles, UNKNOWN, UNKNOWN, UNKNOWN)
        if recording.add(instant):
            return k, recording.result()
    raise AssertionError("the recording does not end")


def test_channels_asked_for_by_label_are_judged_each_for_itself():
    channels = (
        Channel("LMF", Muscle.MULTIFIDUS, Side.LEFT, Quality.GOOD, 2e-6),
        Channel("weak", Muscle.MULTIFIDUS, Side.RIGHT, Quality.GOOD, 2e-6),
        Channel("loose", Muscle.OTHER, Side.NONE, Quality.ELECTRODE_OFF, 2e-6),
        Channel("RES", Muscle.ERECTOR_SPINAE, Side.RIGHT, Quality.GOOD, 2e-6),
    )
    only = ["LMF", "weak", "loose", "none"]
    last, result = recorded([3e-4, 4e-6, None, 1e-4], only, channels)
    assert last == 100  # 2 s
    assert result.mvc_v == {"LMF": pytest.approx(3e-4)}  # RES was not asked for
    assert set(result.refused) == {"weak", "loose", "none"}
    assert "push harder" in result.refused["weak"]
    assert "ELECTRODE_OFF" in result.refused["loose"]
    assert "no such channel" in result.refused["none"]
    assert result.message.startswith("calibrated LMF in 2.0 s; weak: ")


def test_without_labels_one_bad_channel_refuses_all():
    channels = (Channel("a", noise_v=2e-6), Channel("b", noise_v=2e-6))
    _, result = recorded([3e-4, 4e-6], [], channels)
    assert result.mvc_v == result.refused == {}
    assert result.message.startswith("b: no contraction")


def test_labels_without_any_semg_are_refused_with_the_reason():
    result = MvcRecording(Muscle.UNKNOWN, Side.NONE, 2.0, 0.5, ["LMF"]).result()
    assert result.mvc_v == {}
    assert "no sEMG arrived" in result.refused["LMF"]
