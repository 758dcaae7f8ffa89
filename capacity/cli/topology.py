"""`capacity topology`: what a fabric is made of, costs, carries and bears; `topology wan`: links between sites."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from capacity.cli.inputs import AsCsv, AsJson, Sets

if TYPE_CHECKING:
    from collections.abc import Sequence

    from capacity.catalogue import Catalogue
    from capacity.catalogue.cards import Accelerator
    from capacity.errors import InputError
    from capacity.network.figures import Figures

WAN = "wan"
LABEL, CELL, GUTTER = 34, 14, 3
"""Characters of the labels, of the widest usual cell, between two columns."""


def topology(
    kind: Annotated[
        str | None,
        typer.Argument(metavar="[KIND|wan]", help="A fabric design, or a kind: all designs of it; none: list them. "
                                                  "`wan`: links between sites."),
    ] = None,
    scenario: Annotated[
        str | None, typer.Argument(metavar="[SCENARIO]", help="With `wan`: the scenario whose sites are linked.")
    ] = None,
    size: Annotated[
        list[str] | None, typer.Option("--size", metavar="N", help="Accelerators joined, such as 4096. Repeatable.")
    ] = None,
    accelerator: Annotated[str, typer.Option("--accelerator", "-a", metavar="G", help="What it joins.")] = "h100-sxm",
    compare: Annotated[
        str | None, typer.Option("--compare", metavar="KIND,KIND", help="Further designs beside it, or `all`.")
    ] = None,
    groups: Annotated[
        str | None,
        typer.Option("--groups", metavar="N,N", help="Collectives of groups of these sizes \\[a range of them]."),
    ] = None,
    draw: Annotated[
        Path | None, typer.Option("--draw", metavar="FILE", help="Draw it: FILE.svg, .png or .pdf.")
    ] = None,
    plan: Annotated[
        str | None, typer.Option("--plan", metavar="RUN", help="With `wan`: the plan whose lit links are shown.")
    ] = None,
    overlay: Annotated[
        list[Path] | None, typer.Option("--overlay", metavar="DIR", help="Lay a folder of your designs over ours.")
    ] = None,
    sets: Sets = None,
    csv: AsCsv = False,
    json: AsJson = False,
) -> None:
    """Print what a fabric is made of, costs, carries and bears; compare several; draw one.

    `capacity topology wan SCENARIO` shows the candidate links between a scenario's sites instead.
    """
    from capacity.errors import InputError

    if kind == WAN:
        from capacity.cli.wan import wan

        if size or compare or groups or overlay:
            raise InputError("topology wan: --size, --compare, --groups and --overlay go with a fabric design; the "
                             "scenario names its own overlay folders (`catalogue`)")
        wan(scenario, sets, draw, plan, csv=csv, json=json)
        return
    if scenario is not None or sets or plan is not None:
        raise InputError(f"topology {kind}: a scenario, --plan and --set go with `topology wan` only")
    _fabric(kind, size or [], accelerator, compare, groups, draw, csv, json, overlay or ())


def _fabric(kind: str | None, size: list[str], accelerator: str, compare: str | None, groups: str | None,
            draw: Path | None, csv: bool, json: bool, overlay: Sequence[Path]) -> None:
    from capacity.catalogue import load_catalogue
    from capacity.cli.tables import print_frame
    from capacity.errors import InputError
    from capacity.network.figures import GROUPS, Figures, figures_table, offered_figures
    from capacity.network.sheet import by_group
    from capacity.network.show import design_table

    cat = load_catalogue(overlay)
    if kind is None:
        print_frame(design_table(cat), csv=csv, json=json, widest=70)
        return
    if not size:
        raise InputError("topology: give --size, the number of accelerators joined, such as --size 4096")
    sizes, chip = [_count(text, "--size") for text in size], cat.accelerator(accelerator)
    kinds = _kinds(cat, kind, compare)
    if csv:
        print_frame(figures_table(cat, kinds, chip, sizes), csv=True)
        return
    asked = _groups(groups, max(sizes)) if groups else list(GROUPS)
    found = offered_figures(cat, kinds, chip, sizes, asked)
    good = [one for one in found if isinstance(one, Figures)]
    if draw is not None:
        _draw(cat, good[0], chip, draw)
    if json:
        _print_json(found)
        return
    _print_figures(good, chip.id)
    for refused in (one for one in found if isinstance(one, InputError)):
        typer.echo(f"not shown: {refused}", err=True)
    if len(good) == 1 or groups:
        for one in good:
            title = f"\nall-reduce in groups of {one.design.design} {one.design.size:,}: latency, rate at large sizes"
            print_frame(by_group(one.collectives), title=title, all_columns=True)
    if draw is not None:
        typer.echo(f"drawn: {draw}", err=True)


def _count(text: str, option: str) -> int:
    from capacity.errors import InputError
    from capacity.scenario.units import COUNT, quantity

    number = quantity(text.strip(), COUNT, option)
    if not number.is_integer():
        raise InputError(f"{option}: {text.strip()} is {number:g}; a whole number is needed")
    return int(number)


def _groups(text: str, largest: int) -> list[int]:
    from capacity.errors import InputError

    sizes = [_count(one, "--groups") for one in text.split(",")]
    for size in sizes:
        if not 2 <= size <= largest:
            raise InputError(f"--groups {text}: a group of {size}; allowed are 2 to {largest}, which --size joins")
    return sizes


def _kinds(cat: Catalogue, kind: str, compare: str | None) -> list[str]:
    """Designs asked for, each once: by their own name, all those of a kind, or all there are."""
    table, others = cat.table("fabric_designs"), (compare or "").split(",")
    found: list[str] = []
    for name in (one.strip().lower() for one in (kind, *(one for one in others if one.strip()))):
        of_kind = table["id"] if name == "all" else table.loc[table["kind"] == name, "id"]
        found += [name] if name in set(table["id"]) or of_kind.empty else of_kind.tolist()
    return list(dict.fromkeys(found))


def _draw(cat: Catalogue, figures: Figures, chip: Accelerator, path: Path) -> None:
    from capacity.network.designs import choose
    from capacity.network.draw import draw_fabric

    design = figures.design
    draw_fabric(choose(cat, design.design, chip, design.size), design, chip.id, path)


def _print_json(found: Sequence[Figures | InputError]) -> None:
    import json
    import sys

    from capacity.network.sheet import record

    sys.stdout.write(json.dumps([record(one) for one in found], indent=1, ensure_ascii=False) + "\n")


def _print_figures(found: Sequence[Figures], accelerator: str) -> None:
    """Figures below each other in sections, a column for each design and size; as many columns a table as fit."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from capacity.cli.tables import console_of, fitting
    from capacity.network.sheet import sheet

    names, _ = sheet(found)
    widths = [LABEL, *(max(len(name), CELL) + GUTTER for name in names)]
    console = console_of(sum(widths))
    begin = 0
    while begin < len(found):
        shown = found[begin : begin + max(fitting([LABEL, *widths[begin + 1 :]], console.width) - 1, 1)]
        names, sections = sheet(shown)
        table = Table(title=f"joining {accelerator}" if not begin else None, title_justify="left",
                      box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
        table.add_column("", min_width=LABEL - GUTTER)
        for name in names:
            table.add_column(Text(name), justify="right", no_wrap=True)
        for number, (section, rows) in enumerate(sections):
            table.add_row(*([Text("\n" + section if number else section, style="bold")]))
            for row in rows:
                table.add_row(*(Text(cell) for cell in row))
        console.print(table)
        begin += len(shown)
        if begin < len(found):
            console.print()
