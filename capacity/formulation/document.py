"""The mathematics as Markdown, from the docstrings of the topic files, so that it cannot drift from the code."""

from __future__ import annotations

import ast
from pathlib import Path

ORDER = (
    "sites", "closing", "fleet", "ageing", "contracts", "training", "energy", "idle",
    "service", "batch", "companions", "stability", "flows", "paths", "links",
    "hose", "survivability", "rerouting", "limits", "goals",
)
"""Topics in the order of `model.build_model`; any other file with an equation follows by name."""

HEAD = """# Formulation

Generated from the docstrings of `capacity/formulation` by `capacity.formulation.document`; a test holds it. Names are
those of the tables at the waist (`capacity/problem/tables.py`): places p, assets k, vintages v, activities a,
commodities c, demands d, periods y, slices h, blocks b, links e, flows f. A topic without its tables makes no rows.
"""


def formulation_reference() -> str:
    """Markdown: a heading, the equations and the words of each topic file that states any."""
    found = {path.stem: _docstring(path) for path in sorted(Path(__file__).parent.glob("*.py"))}
    named = [name for name in ORDER if name in found]
    rest = [name for name, text in found.items() if name not in ORDER and _states_equations(text)]
    return HEAD + "\n" + "\n\n".join(_section(name, found[name]) for name in (*named, *rest)) + "\n"


def _docstring(path: Path) -> str:
    return (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")), clean=False) or "").rstrip()


def _states_equations(text: str) -> bool:
    """Whether an indented line holds a relation."""
    return any(line.startswith("    ") and any(sign in line for sign in ("<=", ">=", "  =  ")) for line in
               text.splitlines())


def _section(name: str, text: str) -> str:
    """First line as the heading, indented lines as a block of their own."""
    title, _, body = text.partition("\n")
    lines, inside = [f"## {title.rstrip('.')}", "", f"`capacity/formulation/{name}.py`"], False
    for line in body.splitlines():
        indented = line.startswith("    ")
        if indented and not inside:
            lines.append("```text")
        if not indented and inside:
            lines.append("```")
        inside = indented
        lines.append(line[4:] if indented else line)
    return "\n".join([*lines, "```"] if inside else lines)
