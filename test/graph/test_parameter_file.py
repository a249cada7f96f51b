import pytest

from lbp_rehab.errors import InputError
from lbp_rehab.parameter_file import load

KNOWN = {"rate_hz", "person_id"}


@pytest.fixture
def mine(tmp_path):
    def write(text):
        path = tmp_path / "mine.yaml"
        path.write_text(text)
        return load(path)

    return write


def section(name, line):
    return f"{name}:\n  ros__parameters:\n    {line}\n"


@pytest.mark.parametrize("name", ["/**/eye", "eye", "/eye", "/lab/eye", "/*/eye", "/**"])
@pytest.mark.parametrize("namespace", ["", "lab", "/lab/"])
def test_a_section_concerns_the_nodes_that_ros_would_give_it_to(mine, name, namespace):
    fits = {
        "/**/eye": True,
        "eye": True,  # in every namespace
        "/eye": not namespace,
        "/lab/eye": bool(namespace),
        "/*/eye": bool(namespace),
        "/**": True,
    }[name]
    found = mine(section(name, "rate_hz: 3.0")).of("eye", namespace, KNOWN)
    assert found == ({"rate_hz": 3.0} if fits else {})


def test_a_wildcard_gives_a_node_only_what_it_knows_and_its_own_section_all(mine):
    text = section("/**", "{rate_hz: 1.0, other: 2, use_sim_time: true}") + section(
        "/**/eye", "misspelt: 3"
    )
    assert mine(text).of("eye", "", KNOWN) == {
        "rate_hz": 1.0,
        "use_sim_time": True,
        "misspelt": 3,
    }
    assert mine(text).of("ear", "", {"other"}) == {"other": 2, "use_sim_time": True}


def test_later_sections_win(mine):
    text = section("/**", "rate_hz: 1.0") + section("eye", "rate_hz: 2.0")
    assert mine(text).of("eye", "", KNOWN) == {"rate_hz": 2.0}


@pytest.mark.parametrize(
    ("text", "value"),
    [("1e1", 10.0), ("2.5e-1", 0.25), ("3", 3), ("'007'", "007"), ("2026-01-02", "2026-01-02"),
     ("[1.0, 2.0]", [1.0, 2.0]), ("true", True)],
)  # fmt: skip
def test_values_are_read_as_ros_reads_them(mine, text, value):
    found = mine(section("eye", f"rate_hz: {text}")).of("eye", "", KNOWN)["rate_hz"]
    assert found == value
    assert type(found) is type(value)


def test_nested_names_are_joined_by_dots(mine):
    text = section("/**", "qos_overrides: {/imu: {publisher: {depth: 3}}}")
    assert mine(text).of("eye", "", KNOWN) == {"qos_overrides./imu.publisher.depth": 3}


@pytest.mark.parametrize(
    "text",
    [
        "just words\n",
        "{",
        "eye:\n  rate_hz: 3\n",
        section("eye", "rate_hz:"),
        section("eye", "a: [[1]]"),
    ],
)
def test_what_is_no_parameter_file_is_refused_by_name(mine, text):
    with pytest.raises(InputError, match=r"mine\.yaml"):
        mine(text)
