"""Units on the wire: ours are volts, a foreign publisher's are whatever it says."""

from copy import deepcopy

import numpy as np
import pytest

from lbp_rehab.emg.activation import EmgPipeline, PipelineSettings
from lbp_rehab.emg.types import Channel, EmgChunk
from lbp_rehab.errors import InputError
from lbp_rehab.nodes.emg_messages import from_emg_raw, to_emg_activation, to_emg_raw

VOLTS = np.array([[1e-4, -2e-4, 3e-5], [5e-6, 0.0, 0.3]], np.float32)
CHUNK = EmgChunk(10**18, 1000.0, 0, 0, VOLTS, (Channel("a"), Channel("b"), Channel("c")))


def foreign(*units):
    """Return the chunk as a publisher sends it that writes each channel in its own unit."""
    per_volt = {"V": 1, "": 1, "mV": 1e3, "uV": 1e6, "µV": 1e6, "nV": 1e9}
    message = deepcopy(to_emg_raw(CHUNK, "p7"))  # ours share the messages of their channels
    for row, unit in zip(message.channels, units, strict=True):
        row.unit = unit
    scaled = VOLTS * np.array([per_volt.get(unit, 1) for unit in units], np.float32)
    message.data = scaled.ravel().tolist()
    return message


@pytest.mark.parametrize(
    "units", [("mV",) * 3, ("uV",) * 3, ("µV", "nV", "V"), ("", "mV", ""), ("V",) * 3]
)
def test_samples_come_in_volts_whatever_the_unit(units):
    np.testing.assert_allclose(from_emg_raw(foreign(*units)).data, VOLTS, rtol=1e-6)


@pytest.mark.parametrize("unit", ["m/s2", "ohm", "counts", "%"])
def test_a_unit_that_is_no_voltage_is_one_sentence(unit):
    with pytest.raises(InputError, match=f"'{unit}' is no unit of voltage") as error:
        from_emg_raw(foreign("V", unit, "V"))
    assert "\n" not in str(error.value)


def test_ours_say_volts_and_pass_unchanged():
    message = to_emg_raw(CHUNK, "p7")
    assert [row.unit for row in message.channels] == ["V"] * 3
    np.testing.assert_array_equal(from_emg_raw(message).data, VOLTS)
    (activation, *_) = EmgPipeline(PipelineSettings()).process(
        EmgChunk(0, 1000.0, 0, 0, np.zeros((1000, 1), np.float32), (Channel("a"),))
    )
    assert to_emg_activation(activation, "p7").muscles[0].channel.unit == "V"
