"""Choose topics by name."""

from __future__ import annotations

import re
from collections.abc import Iterable

from lbp_rehab.errors import InputError


def matches(name: str, patterns: Iterable[str]) -> bool:
    """Return whether a topic's name matches one of the patterns; ``*`` alone matches all.

    Raises
    ------
    InputError
        If a pattern is not a regular expression.
    """
    for pattern in patterns:
        try:
            if pattern == "*" or re.fullmatch(pattern, name):
                return True
        except re.error as error:
            raise InputError(
                f"'{pattern}' is not a regular expression ({error}); write '/camera/.*' for all "
                "topics below /camera"
            ) from error
    return False
