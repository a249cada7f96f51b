"""Write the parameter tables of ``docs/graph.md`` from the nodes' own tables.

``python docs/parameters.py`` rewrites what stands between the markers
``<!-- parameters: NODE -->`` and ``<!-- end -->``; with ``--check`` it only compares and exits 1
if the page is out of date.
"""

from __future__ import annotations

import argparse
import importlib
import json
import pkgutil
import re
import sys
from pathlib import Path

from lbp_rehab import nodes
from lbp_rehab.nodes.base import LbpNode, node_class
from lbp_rehab.nodes.parameters import Parameter

PAGE = Path(__file__).parent / "graph.md"
BLOCK = re.compile(r"(<!-- parameters: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def node_classes() -> dict[str, type[LbpNode]]:
    """Return every node of the package by its name."""
    found = {}
    for module in pkgutil.iter_modules(nodes.__path__):
        try:
            found[module.name] = node_class(
                importlib.import_module(f"lbp_rehab.nodes.{module.name}")
            )
        except LookupError:
            continue  # a module that helps the nodes
    return found


def table(rows: tuple[Parameter, ...]) -> str:
    """Return the parameters as a table in Markdown."""
    lines = ["| parameter | default | allowed | meaning |", "|---|---|---|---|"]
    for row in rows:
        live = "; may change while the node runs" if row.live else ""
        lines.append(
            f"| `{row.name}` | `{json.dumps(row.default)}` | {_allowed(row)} "
            f"| {row.description}{live} |"
        )
    return "\n".join(lines) + "\n"


def _allowed(row: Parameter) -> str:
    if row.choices:
        return ", ".join(f"`{choice}`" for choice in row.choices)
    if row.minimum is None and row.maximum is None:
        return ""
    return f"{_number(row.minimum)} to {_number(row.maximum)}"


def _number(limit: float | None) -> str:
    if limit is None:
        return "any"
    return str(int(limit)) if limit == int(limit) else repr(limit)


def updated(page: str) -> str:
    """Return the page with every table made anew.

    Raises
    ------
    SystemExit
        If a node has no place on the page, or a place names no node.
    """
    classes = node_classes()
    places = [match.group(2) for match in BLOCK.finditer(page)]
    if sorted(places) != sorted(classes):
        raise SystemExit(
            f"{PAGE.name} has tables for {sorted(places)}, but the nodes are {sorted(classes)}"
        )
    return BLOCK.sub(
        lambda m: m.group(1) + table(classes[m.group(2)].PARAMETERS) + m.group(3), page
    )


def main(arguments: list[str] | None = None) -> int:
    """Rewrite or check the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="compare only; exit 1 if out of date")
    check = parser.parse_args(arguments).check
    page = PAGE.read_text(encoding="utf-8")
    new = updated(page)
    if check:
        if new != page:
            print(f"{PAGE} is out of date; run: python docs/parameters.py", file=sys.stderr)
        return int(new != page)
    PAGE.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
