"""What the check shows: words, table, page, live figures."""

import http.client
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from lbp_rehab.emg.check import ChannelReport, CheckReport, EmgCheck
from lbp_rehab.emg.check_page import figures, page, scale_uv
from lbp_rehab.emg.check_serve import HOST, serving
from lbp_rehab.emg.check_text import (
    ADVICE,
    MARKS,
    WORDS,
    advice,
    bar,
    headline,
    line,
    table,
    verdict,
)
from lbp_rehab.emg.types import Channel, EmgChunk, Muscle, Quality, Side
from lbp_rehab.errors import InputError

UV = 1e-6
GOOD = ChannelReport(
    Channel("LMF", Muscle.MULTIFIDUS, Side.LEFT, Quality.GOOD), 2.4 * UV, 30 * UV, 1.2 * UV,
    18 * UV, 5 * UV, 12 * UV, 80 * UV, 0.987,
)  # fmt: skip
OFF = replace(
    GOOD, channel=replace(GOOD.channel, label="RMF", quality=Quality.ELECTRODE_OFF), rest_v=None,
    heart_v=None, usable=None,
)  # fmt: skip


def report(*channels):
    return CheckReport(channels, "bench", 2000.0, 1999.987, 13.0, 26021, 7, 50.0)


def test_every_quality_has_a_word_a_mark_and_what_to_do():
    assert set(WORDS) == set(MARKS) == set(Quality)
    assert set(ADVICE) == set(Quality) - {Quality.GOOD}
    assert "check the cable" in advice(OFF)


def test_noise_at_rest_above_the_limits_is_said():
    assert advice(GOOD) == ""
    assert "7.0 uV at rest, below 5 is good" in advice(replace(GOOD, rest_v=7 * UV))
    assert "25 uV at rest, at most 19 will do" in advice(replace(GOOD, rest_v=25 * UV))


@pytest.mark.parametrize(
    ("channels", "said"),
    [
        ((GOOD, GOOD), "All 2 channels are usable."),
        ((GOOD,), "The channel is usable."),
        ((GOOD, replace(GOOD, rest_v=9 * UV)), "All 2 channels are usable; 1 could be better."),
        ((GOOD, OFF), "1 of 2 channels is usable; not RMF (electrode off)."),
        ((OFF,), "None of 1 channels are usable; not RMF (electrode off)."),
    ],
)
def test_verdict_is_a_sentence(channels, said):
    assert verdict(report(*channels)) == said


def test_headline_and_line_say_rate_and_losses():
    text = headline(report(GOOD), 2000.0)
    assert text == (
        "bench: 1 channels, stated 2000 Hz, measured 1999.99 Hz, 13.0 s, 26021 samples, 7 lost, "
        "mains 50 Hz"
    )
    assert "1/2 usable" in line(report(GOOD, OFF))
    assert "highest rest 2.4 uV (LMF)" in line(report(GOOD, OFF))
    assert "not usable: RMF (electrode off)" in line(report(GOOD, OFF))
    assert line(CheckReport()) == headline(CheckReport()) == "no samples yet"


def test_table_is_aligned_and_fits_the_terminal():
    for width in (140, 100, 80, 60):
        lines = table(report(GOOD, replace(GOOD, channel=OFF.channel)), width)
        rows = lines[: lines.index("")]
        assert max(map(len, rows)) <= width
        ends = {re.search(r"rest", lines[0]).end(), re.search(r"2\.4", rows[2]).end()}
        assert len(ends) == 1
    assert "multifidus left" in table(report(GOOD), 140)[2]
    assert table(report(OFF), 140)[-1] == "  RMF, electrode off: press it on, check the cable"
    assert "-" in table(report(OFF), 140)[2]


def test_colour_only_when_asked_for():
    assert not any("\x1b" in text for text in table(report(GOOD, OFF)))
    assert any("\x1b[" in text for text in table(report(GOOD, OFF), colour=True))
    plain = table(report(GOOD, OFF))
    painted = table(report(GOOD, OFF), colour=True)
    assert [re.sub(r"\x1b\[[\d;]*m", "", text) for text in painted] == plain


def test_bar_is_logarithmic():
    assert bar(0.0).strip("▕▏") == " " * 12
    assert bar(1e-3).count("█") == bar(1.0).count("█") == 12
    middle = bar(10**-4.5)
    assert middle.count("█") == 6
    assert bar(10**-4.5, blocks=False) == "[######......]"


def test_scale_is_round_and_holds_the_signal():
    for largest, scale in ((3.0, 10.0), (10.0, 10.0), (11.0, 20.0), (49.0, 50.0), (501.0, 1000.0)):
        assert scale_uv(np.array([-largest * UV]), np.array([np.nan])) == scale


def test_figures_are_microvolts_and_json():
    found = json.loads(json.dumps(figures(report(GOOD, OFF))))
    assert found["channels"][0]["rest_uv"] == 2.4
    assert found["channels"][0]["usable_share"] == 0.987
    assert found["channels"][1]["rest_uv"] is None
    assert found["channels"][1]["quality"] == "electrode_off"
    assert (found["lost"], found["samples"], found["mains_hz"]) == (7, 26021, 50.0)


class Tags(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.names, self.outside = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.names.append(tag)
        self.outside += [v for k, v in attrs if k in ("src", "href")]


@pytest.fixture(scope="module")
def checked():
    rng = np.random.default_rng(0)
    check, channels = EmgCheck(50.0), (Channel("<b>&"), Channel("RMF"))
    for k in range(0, 4000, 40):
        data = (3e-6 * rng.standard_normal((40, 2))).astype(np.float32)
        check.add(EmgChunk(k * 1_000_000, 1000.0, k, 0, data, channels, source="<i>bench"))
    return check


def test_page_is_one_file_with_signal_and_spectrum_of_each_channel(checked):
    text = page(checked, headline(checked.report()), ("it was <late>",))
    tags = Tags(text)
    assert tags.names.count("svg") == 4
    assert tags.names.count("polyline") == 2
    assert not tags.outside
    assert "script" not in tags.names
    assert "http" not in text
    assert "&lt;b&gt;&amp;" in text
    assert "it was &lt;late&gt;" in text
    assert "<i>bench" not in text
    assert text.count("50 Hz</text>") == 2
    assert "prefers-color-scheme: dark" in text
    assert "nan" not in text.lower()


def get(live, path="/", host=None):
    port = int(live.address.rpartition(":")[2])
    connection = http.client.HTTPConnection(HOST, port, timeout=10)
    try:
        connection.request("GET", path, headers={"Host": host or f"{HOST}:{port}"})
        answer = connection.getresponse()
        return answer.status, answer.read().decode(), answer.headers
    finally:
        connection.close()


def test_live_page_is_served_to_this_machine_alone(checked):
    with serving(0) as live:
        status, text, headers = get(live)
        assert status == 200
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "http" not in text
        assert not Tags(text).outside
        empty = json.loads(get(live, "/data.json")[1])
        assert (empty["channels"], empty["heading"]) == ([], "no samples yet")
        live.show(checked.report(), checked.band(), "the heading", ("said",))
        shown = json.loads(get(live, "/data.json")[1])
        assert shown["heading"] == "the heading"
        assert shown["said"] == ["said"]
        assert [c["mark"] for c in shown["channels"]] == ["+", "+"]
        assert [len(trace) for trace in shown["traces"]] == [400, 400]
        known = [pair for pair in shown["traces"][0] if pair]
        assert max(high for _, high in known) == pytest.approx(
            1e6 * np.nanmax(checked.band()[:, 0]), abs=0.06
        )
        assert get(live, "/etc/passwd")[0] == 404
        assert get(live, "/", host="evil.example:80")[0] == 403
    with pytest.raises(ConnectionRefusedError):
        get(live)


def test_a_port_that_is_taken_is_one_sentence():
    with serving(0) as live:
        port = int(live.address.rpartition(":")[2])
        with pytest.raises(InputError, match=f"port {port} cannot be served"), serving(port):
            pass
