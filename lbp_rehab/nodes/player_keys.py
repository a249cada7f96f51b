"""The player, steered by the keys of the terminal that it was started from."""

from __future__ import annotations

from typing import Any

from rclpy.parameter import Parameter

from lbp_rehab.errors import InputError
from lbp_rehab.keys import Key, Keys
from lbp_rehab.nodes.player import Player

RATE_STEPS = {Key.UP: 1.1, Key.DOWN: 0.9}  # as ros2 bag play has them
HELP = "space: pause, go on; right: next message while paused; up, down: rate +10 %, -10 %"


class KeyboardPlayer(Player):
    """Takes the keys of ``ros2 bag play``; without a terminal it is the player."""

    def __init__(self, **node_options: Any) -> None:
        super().__init__(**node_options)
        # Last, so that nothing can fail between here and `close`.
        self._keys = Keys(self._press)
        if self._keys.on:
            self.get_logger().info(HELP)

    def close(self) -> None:
        """Give the terminal back, then stop."""
        self._keys.close()
        super().close()

    def _press(self, key: Key) -> None:
        if key == Key.SPACE:
            self._set("paused", not self.settings["paused"])
        elif key == Key.RIGHT:
            try:
                self.steering.step()
            except InputError as error:
                self.get_logger().warning(str(error))
        else:
            self._set("rate", self.settings["rate"] * RATE_STEPS[key])

    def _set(self, name: str, value: float | bool) -> None:
        """Set a parameter, as anybody in the graph may."""
        (result,) = self.set_parameters([Parameter(name, value=value)])
        if not result.successful:
            self.get_logger().warning(result.reason)
