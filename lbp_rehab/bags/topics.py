"""Choose and rename topics."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from lbp_rehab.errors import InputError

# Absolute by convention: one of each, however many robots there are.
GLOBAL = ("/tf", "/tf_static", "/clock", "/diagnostics", "/rosout", "/parameter_events")

# Where a service or an action publishes what is asked and answered.
SERVICE_EVENT = "/_service_event"
_TOPIC = re.compile(r"/?[A-Za-z_]\w*(/[A-Za-z_]\w*)*", re.ASCII)


def relative_name(name: str, namespace: str) -> str:
    """Return under which name a topic is played into a namespace.

    Topics of all robots keep their name, as do those recorded in the same namespace; every other
    name becomes relative.
    """
    inside = name.startswith(namespace.rstrip("/") + "/") and namespace != "/"
    return name if name in GLOBAL or inside else name.lstrip("/")


def is_service_event(topic: str) -> bool:
    """Return whether a topic carries the calls of a service."""
    return topic.endswith(SERVICE_EVENT)


def remapping(rule: str, played: Collection[str]) -> tuple[str, str]:
    """Return the old and the new name of a ROS remap rule, ``/old:=/new``.

    Parameters
    ----------
    rule : str
        A name without a leading slash is taken as one below the root.
    played : collection of str
        Full names of the topics that there are.

    Raises
    ------
    InputError
        If it is no such rule, or there is no such topic.
    """
    old, _, new = rule.partition(":=")
    if not (_TOPIC.fullmatch(old) and _TOPIC.fullmatch(new)):
        raise InputError(f"'{rule}' is no remapping of a topic; write /old/name:=/new/name")
    if (absolute := f"/{old.lstrip('/')}") not in played:
        raise InputError(
            f"'{rule}' remaps {absolute}, which is not played; the topics are "
            f"{', '.join(sorted(played))}"
        )
    return old, new


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
