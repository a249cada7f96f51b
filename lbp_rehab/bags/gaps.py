"""What did not even arrive at a recorder, seen from the numbers that publishers give messages."""

from __future__ import annotations

from collections import Counter


class Gaps:
    """Counts messages that are missing between those that arrived.

    DDS numbers the messages of each publisher, but does not say whose a message is: of topics with
    several publishers nothing is counted.

    Attributes
    ----------
    missed : Counter
        By topic.
    """

    def __init__(self) -> None:
        self.missed: Counter[str] = Counter()
        self._last: dict[str, int] = {}
        self._several: set[str] = set()

    def publishers(self, topic: str, count: int) -> None:
        """Tell how many publishers a topic has."""
        if count > 1:
            self._several.add(topic)
            self.missed.pop(topic, None)

    def take(self, topic: str, number: int | None) -> None:
        """Tell the number of a message that arrived; the first one of a topic counts as the first.

        None, or a number that is not higher than the last, begins anew: the publisher did.
        """
        last = self._last.get(topic)
        if topic not in self._several and number is not None and last is not None:
            self.missed[topic] += max(number - last - 1, 0)
        self._last[topic] = number or 0
