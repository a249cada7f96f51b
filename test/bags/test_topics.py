import pytest

from lbp_rehab.bags.topics import GLOBAL, relative_name


@pytest.mark.parametrize(
    ("name", "namespace", "played"),
    [
        ("/camera/color/image_raw", "/lab1", "camera/color/image_raw"),
        ("/camera/color/image_raw", "/", "camera/color/image_raw"),
        ("/lab1/emg/raw", "/lab1", "/lab1/emg/raw"),
        ("/lab10/emg/raw", "/lab1", "lab10/emg/raw"),
        *((name, "/lab1", name) for name in GLOBAL),
    ],
)
def test_topics_go_into_the_namespace_and_those_of_all_robots_stay(name, namespace, played):
    assert relative_name(name, namespace) == played
