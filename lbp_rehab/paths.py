"""Where the shared files (config, launch, resource) are: source tree, environment or ROS."""

from __future__ import annotations

from pathlib import Path

PACKAGE = "lbp_rehab"


def share_dir() -> Path:
    """Return the folder that holds ``config``, ``launch`` and ``resource``.

    The source tree counts when the modules run from it, so that an edited YAML counts at once;
    else the folder installed beside them.
    """
    here = Path(__file__).resolve()
    source = here.parent.parent
    if (source / "package.xml").is_file() and (source / "config").is_dir():
        return source
    prefix = here.parents[4]  # of lib/pythonX.Y/site-packages/lbp_rehab/paths.py
    return prefix / "share" / PACKAGE


def config_dir() -> Path:
    """Return the folder of node parameters, exercises and transport profiles."""
    return share_dir() / "config"


def resource_dir() -> Path:
    """Return the folder of models, voices and the sample recording."""
    return share_dir() / "resource"
