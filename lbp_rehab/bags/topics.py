"""Choose and rename topics."""

from __future__ import annotations

import re
from collections.abc import Iterable

from lbp_rehab.errors import InputError

# Absolute by convention: one of each, however many robots there are.
GLOBAL = ("/tf", "/tf_static", "/clock", "/diagnostics", "/rosout", "/parameter_events")


def relative_name(name: str, namespace: str) -> str:
    """Return under which name a topic is played into a namespace.

    Topics of all robots keep their name, as do those recorded in the same namespace; every other
    name becomes relative.
    """
    inside = name.startswith(namespace.rstrip("/") + "/") and namespace != "/"
    return name if name in GLOBAL or inside else name.lstrip("/")


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
