"""What a scenario's parts must agree on among themselves, and with the catalogue."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from capacity.catalogue.archetypes import year_of
from capacity.errors import InputError
from capacity.scenario.check_links import link_disagreements
from capacity.scenario.check_options import accelerators_of_options, option_disagreements, options_by_year
from capacity.scenario.demand import explain_path, path_by_year
from capacity.scenario.messages import raise_for, unknown
from capacity.scenario.schema import Scenario
from capacity.scenario.yaml_lines import KeyPath

if TYPE_CHECKING:
    from capacity.catalogue import Catalogue

Problems = Iterator[tuple[KeyPath, str]]


def disagreements(scenario: Scenario) -> list[tuple[KeyPath, str]]:
    """(path, message) of everything inside a scenario that contradicts itself; empty for a sound one."""
    checks = (_years, _lists, _variants, _demand, _table, _assets, _amounts, _goal, option_disagreements,
              link_disagreements)
    return [problem for check in checks for problem in check(scenario)]


def _years(s: Scenario) -> Problems:
    if s.years.last < s.years.first:
        yield ("years", "last"), f"{s.years.last} is before the first year {s.years.first}"
    for name, given in s.accelerators.items():
        if given and given.first and given.last and given.last < given.first:
            yield ("accelerators", name, "last"), f"{given.last} is before its first year {given.first}"
    for i, offer in enumerate(s.rentals):
        if offer.first and offer.last and offer.last < offer.first:
            yield ("rentals", str(i), "last"), f"{offer.last} is before its first year {offer.first}"
    for i, fleet in enumerate(s.existing):
        if fleet.entered >= s.years.first:
            message = f"{fleet.entered} is given; an existing fleet entered before the first year {s.years.first}"
            yield ("existing", str(i), "entered"), message


def _lists(s: Scenario) -> Problems:
    for key, names in (("regions", s.regions), ("pods.fabrics", s.pods.fabrics)):
        for name in sorted({n for n in names if names.count(n) > 1}):
            yield tuple(key.split(".")), f"`{name}` is given twice"
    if not s.pods.fabrics:
        yield ("pods", "fabrics"), "is empty; at least one fabric is needed"


def _variants(s: Scenario) -> Problems:
    served = set()
    for name, variant in s.variants.items():
        if variant.draft is not None and (variant.draft.model is None) == (variant.draft.cost is None):
            yield ("variants", name, "draft"), "needs `model` or `cost`, one of them: who drafts, or what a draft costs"
        for key, named in (("equivalence", variant.equivalence), ("max_share", variant.max_share)):
            for cls in named:
                if cls not in s.classes:
                    yield ("variants", name, key, cls), unknown(cls, list(s.classes), "class")
        for cls, factor in variant.equivalence.items():
            served.add(cls)
            if isinstance(factor, float):
                if factor <= 0:
                    yield ("variants", name, "equivalence", cls), f"{factor:g} is given; it must be above 0"
            elif not factor.low <= factor.mid <= factor.high:
                yield ("variants", name, "equivalence", cls), "low, mid and high are not in rising order"
        for cls in variant.max_share:
            if cls in s.classes and cls not in variant.equivalence:
                yield ("variants", name, "max_share", cls), f"the variant has no equivalence for `{cls}`"
    for cls in s.classes:
        if cls not in served:
            yield ("classes", cls), "no variant serves this class; name it in the `equivalence` of at least one"


def _demand(s: Scenario) -> Problems:
    rows = {row.service_class for row in s.demand.table}
    for name, path in s.demand.classes.items():
        where = ("demand", "classes", name)
        if name not in s.classes:
            yield where, unknown(name, list(s.classes), "class")
        if name in rows:
            yield where, "has a path and rows in `demand.table`; give one of the two"
        if path.by_year is not None and any(x is not None for x in (path.start, path.end, path.growth)):
            yield where, "has `by_year` and start, end or growth; give one of the two"
        elif path.by_year is not None:
            yield from (((*where, "by_year", str(y)), f"{v:g} is given; it must be at least 0")
                        for y, v in path.by_year.items() if v < 0)  # fmt: skip
            if not path.by_year:
                yield (*where, "by_year"), "is empty; give at least one year"
        elif s.years.last >= s.years.first and not _determined(s, name):
            yield where, explain_path(path)
    for name in s.classes:
        if name not in s.demand.classes and name not in rows:
            yield ("demand",), f"nothing is said of class `{name}`; give it under `classes` or in `table`"
    if isinstance(s.demand.split, dict):
        for region in s.demand.split:
            if region not in s.regions:
                yield ("demand", "split", region), unknown(region, s.regions, "region")
        total = sum(s.demand.split.values())
        if abs(total - 1) > 1e-6:
            yield ("demand", "split"), f"the shares sum to {total:.6g}; they must sum to 1"


def _determined(s: Scenario, name: str) -> bool:
    try:
        path_by_year(s.demand.classes[name], s.years)
    except InputError:
        return False
    return True


def _table(s: Scenario) -> Problems:
    seen: dict[tuple[str, str, int], int] = {}
    for i, row in enumerate(s.demand.table):
        where = ("demand", "table", str(i))
        if row.region not in s.regions:
            yield (*where, "region"), unknown(row.region, s.regions, "region")
        if row.service_class not in s.classes:
            yield (*where, "service_class"), unknown(row.service_class, list(s.classes), "class")
        key = (row.region, row.service_class, row.year)
        if key in seen:
            same = f"`{row.region}`, `{row.service_class}`, {row.year}"
            yield where, f"{same} is given twice (first in row {seen[key] + 1}); keep one of them"
        seen.setdefault(key, i)


def _assets(s: Scenario) -> Problems:
    for i, fleet in enumerate(s.existing):
        if fleet.site not in s.sites:
            yield ("existing", str(i), "site"), unknown(fleet.site, list(s.sites), "site")
    for i, offer in enumerate(s.rentals):
        if offer.site not in s.sites:
            yield ("rentals", str(i), "site"), unknown(offer.site, list(s.sites), "site")


def _amounts(s: Scenario) -> Problems:
    for path, values in _given_by_year(s):
        if isinstance(values, float) and values < 0:
            yield path, f"{values:g} is given; it must be at least 0"
        if not isinstance(values, dict):
            continue
        if not values:
            yield path, "is empty; give at least one year, or leave the key out for no limit"
        for year, value in values.items():
            if value < 0:
                yield (*path, str(year)), f"{value:g} is given; it must be at least 0"


def _given_by_year(s: Scenario) -> Iterator[tuple[KeyPath, object]]:
    """Path and value of every limit that may be given by year."""
    yield from ((("money", key), getattr(s.money, key)) for key in ("capex_budget", "opex_budget"))
    yield from ((("supply", key), getattr(s.supply, key)) for key in ("power", "hbm", "accelerators"))
    yield from ((("supply", "vendors", name), rows) for name, rows in s.supply.vendors.items())
    yield from ((("accelerators", name, "supply"), given.supply) for name, given in s.accelerators.items() if given)
    yield from ((("rentals", str(i), "max_count"), offer.max_count) for i, offer in enumerate(s.rentals))
    yield from options_by_year(s)


def _goal(s: Scenario) -> Problems:
    for year, weight in s.goal.year_weights.items():
        if weight < 0:
            yield ("goal", "year_weights", str(year)), f"{weight:g} is given; it must be at least 0"
        if not s.years.first <= year <= s.years.last:
            yield ("goal", "year_weights", str(year)), f"is outside the years {s.years.first} to {s.years.last}"
    if isinstance(s.goal.shortage_price, float) and s.goal.shortage_price < 0:
        yield ("goal", "shortage_price"), f"{s.goal.shortage_price:g} is given; it must be at least 0"
    named = [goal for goal, _ in s.goal.steps()]
    for i, goal in enumerate(named):
        if goal in named[:i]:
            yield ("goal", "sequence", str(i), "goal"), f"`{goal}` is given twice"
    if named[0] == "served" and s.money.capex_budget is None and s.money.opex_budget is None:
        yield ("goal", "kind"), "to serve most needs a budget: give `money.capex_budget` or `money.opex_budget`"


def check_against(scenario: Scenario, catalogue: Catalogue) -> None:
    """Raise InputError for every accelerator, site, region, model or fabric that the catalogue does not know.

    A site that the scenario describes by itself must still be named in the catalogue or in an overlay folder, since
    its round trips, land and sources stand there.
    """
    chips, models = catalogue.accelerators(), catalogue.models()
    known = {
        "site": _known(catalogue, "sites"),
        "region": _known(catalogue, "regions"),
        "fabric": _known(catalogue, "fabric_designs"),
        "accelerator": [*chips, *(alias for chip in chips.values() for alias in chip.aliases)],
        "model": [*models, *(alias for model in models.values() for alias in model.aliases)],
    }
    s = scenario
    used: list[tuple[KeyPath, str, str]] = [(("sites", name), name, "site") for name in s.sites]
    used += [(("regions", str(i)), name, "region") for i, name in enumerate(s.regions)]
    used += [(("accelerators", name), name, "accelerator") for name in s.accelerators]
    used += [(("pods", "fabrics", str(i)), name, "fabric") for i, name in enumerate(s.pods.fabrics)]
    used += [(("variants", name, "model"), v.model, "model") for name, v in s.variants.items()]
    used += [(("variants", name, "draft", "model"), v.draft.model, "model")
             for name, v in s.variants.items() if v.draft is not None and v.draft.model is not None]
    used += [(("existing", str(i), "accelerator"), e.accelerator, "accelerator") for i, e in enumerate(s.existing)]
    used += [(("rentals", str(i), "accelerator"), r.accelerator, "accelerator") for i, r in enumerate(s.rentals)]
    used += accelerators_of_options(scenario)
    lower = {what: {name.lower() for name in names} for what, names in known.items()}
    wrong = [
        (path, unknown(name, known[what], what))
        for path, name, what in used
        if name.lower() not in lower[what] and not (what == "accelerator" and year_of(name) is not None)
    ]
    raise_for(wrong, scenario.written())


def _known(catalogue: Catalogue, table: str) -> list[str]:
    """The first key column of a catalogue table."""
    return [str(name) for name in catalogue.table(table).iloc[:, 0]]
