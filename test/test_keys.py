import os
import termios

import pytest

from lbp_rehab.keys import Key, Keys, parse

DEADLINE_S = 20.0
HEARS_TWO = """
import queue
from lbp_rehab.keys import Key, Keys
pressed = queue.Queue()
keys = Keys(pressed.put)
print("ready", flush=True)
assert [pressed.get(), pressed.get()] == [Key.SPACE, Key.RIGHT]
keys.close()
"""


def test_keys_are_told_from_what_the_terminal_sends():
    assert parse(b" \x1b[A\x1b[B\x1b[C\x1bOC") == [
        Key.SPACE, Key.UP, Key.DOWN, Key.RIGHT, Key.RIGHT,
    ]  # fmt: skip
    assert parse(b"x\x1b[D\x1b ") == [Key.SPACE]
    assert parse(b"") == []


def test_what_is_no_terminal_is_left_alone():
    read, write = os.pipe()
    keys = Keys(lambda _: pytest.fail("a key from a pipe"), read)
    os.write(write, b" ")
    assert not keys.on
    keys.close()
    assert os.read(read, 1) == b" "


def test_the_terminal_tells_keys_and_is_left_as_it_was(terminal):
    before = terminal.modes()
    child = terminal.start("-c", HEARS_TWO)
    assert child.stdout.readline() == "ready\n"
    assert not terminal.modes()[3] & (termios.ICANON | termios.ECHO)
    assert terminal.modes()[3] & termios.ISIG
    terminal.press(b" \x1b[C")
    _, errors = child.communicate(timeout=DEADLINE_S)
    assert child.returncode == 0, errors
    assert terminal.modes() == before
