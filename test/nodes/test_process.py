import threading
import time

import pytest
from std_msgs.msg import String

from lbp_rehab.errors import InputError
from lbp_rehab.nodes import qos
from lbp_rehab.nodes.base import LbpNode
from lbp_rehab.nodes.process import run_together

DEADLINE_S = 30.0


def run_in_thread(*kinds):
    """Run nodes off the main thread, so that the signals of the test process stay its own."""
    codes = []
    thread = threading.Thread(target=lambda: codes.append(run_together(kinds, [])))
    thread.start()
    thread.join(DEADLINE_S)
    assert codes, "the process did not end"
    return codes[0]


def node(name, begin=lambda self: None, end=lambda self: None, last=False):
    """A class of nodes that notes whether each was closed with its context alive."""

    class Made(LbpNode):
        NAME = name
        CLOSES_LAST = last
        closed = ()

        def __init__(self, **options):
            super().__init__(**options)
            begin(self)

        def close(self):
            type(self).closed += (self.context.ok(),)
            end(self)

    return Made


@pytest.fixture(autouse=True)
def own_domain(ros_domain):
    """None of these nodes meets another graph."""


def finish_at_once(self):
    thread = threading.Thread(target=self.finish)
    thread.start()
    thread.join()  # before anybody waits for it


def test_a_node_that_finishes_ends_the_process_with_all_nodes_closed_in_a_living_context():
    first, player, other = node("first"), node("player", finish_at_once), node("other")
    assert run_in_thread(first, player, other) == 0
    assert (first.closed, player.closed, other.closed) == ((True,), (True,), (True,))


def raises(error):
    def end(self):
        raise error

    return end


@pytest.mark.parametrize(
    ("error", "code", "traceback"),
    [(ZeroDivisionError("a defect"), 1, True), (InputError("the disk is full"), 2, False)],
)
def test_what_one_node_raises_at_its_end_keeps_no_other_from_closing(capfd, error, code, traceback):
    player = node("player", finish_at_once, raises(error))
    others = [node("before"), node("after"), node("recorder", last=True)]
    assert run_in_thread(others[0], player, *others[1:]) == code
    assert [o.closed for o in others] == [(True,)] * 3
    said = capfd.readouterr().err
    assert str(error) in said
    assert ("Traceback" in said) == traceback


def test_an_error_that_a_node_finishes_with_is_one_sentence_and_the_exit_code(capfd):
    full = node("full", lambda self: self.finish(InputError("the disk is full")))
    other = node("other")
    assert run_in_thread(full, other) == 2
    assert capfd.readouterr().err == "lbp_rehab: the disk is full\n"
    assert other.closed == (True,)


def test_who_closes_last_hears_the_last_words_of_the_others():
    heard = []

    def listen(self):
        self.subscribe(String, "words", lambda m: heard.append(m.data), qos.LATCHED)

    def speak(self):
        self.out = self.advertise(String, "words", qos.LATCHED)
        self.every(0.01, lambda: self.out.matched() and self.finish())

    listener = node("listener", listen, last=True)
    speaker = node("speaker", speak, lambda self: self.out(String(data="good bye")))
    assert run_in_thread(listener, speaker) == 0
    assert heard == ["good bye"]


def test_last_words_are_heard_however_much_an_earlier_node_has_still_to_read():
    heard = []

    def lag(self):
        self.create_subscription(String, "flood", lambda _: time.sleep(0.02), qos.RESULT)

    def listen(self):
        self.subscribe(String, "words", lambda m: heard.append(m.data), qos.LATCHED)

    def speak(self):
        self.flood = self.advertise(String, "flood", qos.RESULT)
        self.out = self.advertise(String, "words", qos.LATCHED)
        self.every(0.01, lambda: self.out.matched() and self.flood.matched() and self.finish())

    def say(self):
        for _ in range(50):
            self.flood(String(data="a message"))
        self.out(String(data="good bye"))

    slow, listener = node("slow", lag), node("listener", listen, last=True)
    assert run_in_thread(slow, listener, node("speaker", speak, say)) == 0
    assert heard == ["good bye"]
