"""The synthetic patient as a live camera."""

from __future__ import annotations

import time
from collections.abc import Iterator

from lbp_rehab.camera.sources import Shot
from lbp_rehab.stamps import NANOSECONDS
from lbp_rehab.synthetic.request import parse_scenario
from lbp_rehab.synthetic.scenario import period_ns
from lbp_rehab.synthetic.studio import Studio


class SyntheticCamera:
    """Frames of the patient at the scenario's rate, stamped with the time they are taken.

    The set is played over and over. From the end of one to the start of the next the patient
    steps by 2 to 15 mm, because the slow drifts of the movement do not end where they begin.
    """

    def __init__(self, specification: str) -> None:
        self._scenario = parse_scenario(specification)
        self.name = f"synthetic patient ({specification})"
        self._studio = Studio(self._scenario)
        self._period_ns = period_ns(self._scenario)

    def shots(self) -> Iterator[Shot]:
        """Yield frames as they are due, without end; late ones are left out, as a camera does."""
        step_ns = round(NANOSECONDS / self._scenario.rate_hz)
        while True:
            due_ns = (time.time_ns() // step_ns + 1) * step_ns
            shown = self._studio.show((due_ns % self._period_ns) / NANOSECONDS, due_ns, due_ns)
            time.sleep(max(due_ns - time.time_ns(), 0) / NANOSECONDS)
            frame = shown.frame
            yield Shot(None, frame.color, frame.depth, frame.intrinsics)

    def close(self) -> None:
        """Nothing is held open."""
