"""pytest plug-in: the fixture ``replay`` feeds a recording to nodes and checks what they publish.

It is found by itself where this package was installed with pip; elsewhere a ``conftest.py`` names
it: ``pytest_plugins = ["lbp_rehab.replay.pytest_plugin"]``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace as changed
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lbp_rehab.errors import InputError

if TYPE_CHECKING:
    from lbp_rehab.compare.comparison import Comparison
    from lbp_rehab.compare.tolerance import Tolerance
    from lbp_rehab.replay.jobs import Job
    from lbp_rehab.replay.lockstep import Part, Replayed

MARKER = (
    "replay(bag, golden=None, tolerance=None, exact=False, start_s=0, end_s=0, exclude=(), "
    "**options): the recording that the fixture 'replay' feeds, the golden one its result is held "
    "against, and options of the session; paths are relative to the test's file"
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare ``--update-golden``."""
    parser.getgroup("lbp_rehab").addoption(
        "--update-golden",
        action="store_true",
        help="keep what the replays give as golden recordings instead of comparing",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker."""
    config.addinivalue_line("markers", MARKER)


class Result:
    """What a replay gave.

    Attributes
    ----------
    output : Path
        Bag of all that the nodes published.
    replayed : Replayed
    comparison : Comparison, optional
        With the golden recording, if there is one.
    page : Path
        HTML of what changed, if something did.
    """

    def __init__(
        self, output: Path, replayed: Replayed, comparison: Comparison | None, page: Path
    ) -> None:
        self.output, self.replayed, self.comparison = output, replayed, comparison
        self.page = page

    def messages(self, topic: str) -> list[Any]:
        """Return what was published on a topic, decoded."""
        from lbp_rehab.bags import BagReader  # noqa: PLC0415
        from lbp_rehab.compare.decode import Decoder  # noqa: PLC0415

        with BagReader(self.output) as bag:
            if topic not in bag.topics:
                raise AssertionError(
                    f"nothing was published on {topic}, but on {', '.join(sorted(bag.topics))}"
                )
            decode = Decoder(bag.topics[topic])
            return [decode(m.data) for m in bag.messages({topic})]

    def check(self) -> None:
        """Fail, with a sentence for each difference, unless all is as in the golden recording."""
        __tracebackhide__ = True
        assert self.comparison is not None, "there is no golden recording to hold it against"
        if not self.comparison.passed:
            pytest.fail(
                f"{self.comparison.origin} changed first\n"
                + "\n".join(f"- {s}" for s in self.comparison.sentences)
                + f"\npage: {self.page}",
                pytrace=False,
            )


class Replay:
    """The fixture: call it with the nodes to feed."""

    def __init__(self, job: Job, scratch: Path, update: bool) -> None:
        self._job, self._scratch, self._update = job, scratch, update
        self._count = 0

    def __call__(self, *parts: Part | type) -> Result:
        """Feed the recording to nodes, and hold what they publish against the golden recording.

        Parameters
        ----------
        *parts : Part or type
            Nodes or their classes; none: those of our session that the recording can feed.
        """
        from lbp_rehab.replay import golden, jobs  # noqa: PLC0415
        from lbp_rehab.replay.lockstep import Part  # noqa: PLC0415

        chosen = tuple(p if isinstance(p, Part) else Part(p) for p in parts)
        self._count += 1
        folder = self._scratch / f"replay_{self._count}"
        page = folder / "changed.html"
        target, job = self._job.golden, changed(self._job, nodes=chosen)
        if target is not None and (self._update or not target.is_dir()):
            if not self._update:
                pytest.fail(
                    f"there is no golden recording '{target}'; make it with 'pytest "
                    "--update-golden' and look at what it holds",
                    pytrace=False,
                )
            try:
                golden.put(job, target)
            except InputError as error:
                pytest.fail(str(error), pytrace=False)
        outcome = jobs.run(changed(job, output=folder / job.name, page=page))
        if outcome.error:
            pytest.fail(outcome.error, pytrace=False)
        assert outcome.replayed is not None
        return Result(folder / job.name, outcome.replayed, outcome.comparison, page)


@pytest.fixture
def replay(request: pytest.FixtureRequest, tmp_path: Path) -> Replay:
    """Feed the recording that the marker names to nodes: ``replay(MyNode).check()``."""
    marker = request.node.get_closest_marker("replay")
    if marker is None or len(marker.args) != 1:
        raise pytest.UsageError("the fixture 'replay' needs a marker: @pytest.mark.replay(BAG)")
    try:
        job = _job(request.path.parent, marker.args[0], **marker.kwargs)
    except (InputError, TypeError) as error:
        raise pytest.UsageError(f"@pytest.mark.replay: {error}") from None
    return Replay(job, tmp_path, request.config.getoption("--update-golden"))


def _job(
    base: Path,
    bag: str | Path,
    *,
    golden: str | Path | None = None,
    tolerance: str | Path | Tolerance | None = None,
    exact: bool = False,
    start_s: float = 0.0,
    end_s: float = 0.0,
    exclude: Sequence[str] = (),
    **options: Any,
) -> Job:
    from lbp_rehab.bags.play import Selection  # noqa: PLC0415
    from lbp_rehab.compare import tolerance as tolerances  # noqa: PLC0415
    from lbp_rehab.graph import SessionOptions  # noqa: PLC0415
    from lbp_rehab.replay.jobs import Job  # noqa: PLC0415

    if isinstance(tolerance, (str, Path)):
        tolerance = tolerances.load(base / tolerance)
    path = base / bag
    return Job(
        path.name,
        path,
        SessionOptions(**options),
        Selection(exclude=tuple(exclude), start_s=start_s, end_s=end_s),
        base / golden if golden is not None else None,
        tolerance or tolerances.chosen(None, exact),
    )
