"""Where the shared files (config, launch, resource) are: source tree, environment or ROS."""

from __future__ import annotations

import sys
from pathlib import Path

PACKAGE = "lbp_rehab"


def share_dir() -> Path:
    """Return the folder that holds ``config``, ``launch`` and ``resource``.

    The source tree wins when the modules run from it, so that an edited YAML counts at once.
    """
    source = Path(__file__).resolve().parent.parent
    if (source / "package.xml").is_file() and (source / "config").is_dir():
        return source
    installed = Path(sys.prefix) / "share" / PACKAGE
    if installed.is_dir():
        return installed
    from ament_index_python.packages import get_package_share_directory  # noqa: PLC0415

    return Path(get_package_share_directory(PACKAGE))


def config_dir() -> Path:
    """Return the folder of node parameters, exercises and transport profiles."""
    return share_dir() / "config"


def resource_dir() -> Path:
    """Return the folder of models, voices and the sample recording."""
    return share_dir() / "resource"
