"""What the optional parts of a scenario must agree on with the rest of it."""

from __future__ import annotations

import math
from collections.abc import Iterator

from capacity.scenario.goal import REGRET
from capacity.scenario.messages import unknown
from capacity.scenario.schema import DAY, Scenario
from capacity.scenario.yaml_lines import KeyPath

Problems = Iterator[tuple[KeyPath, str]]
ROUNDING = 1e-6


def option_disagreements(s: Scenario) -> Problems:
    """(path, message) of everything in the optional parts that contradicts itself or the rest."""
    for check in (
        _batch, _names, _spans, _sales, _milestones, _halls, _terms, _training, _worth, _sovereign, _resilient,
        _futures,
    ):
        yield from check(s)


def _batch(s: Scenario) -> Problems:
    for name, service in s.classes.items():
        given = service.model_fields_set
        for key in ("ttft", "tpot"):
            if not service.batch and key not in given:
                yield ("classes", name, key), "is needed but not given; only a class with `batch: true` has no limit"
            if service.batch and key in given and getattr(service, key) < DAY:
                yield ("classes", name, key), "is given for batch work, which has no latency limit; leave one out"
        if service.batch and service.duty != "around_the_clock":
            yield ("classes", name, "duty"), "is given for batch work, which is done at any hour; leave one out"
        if service.batch and s.resilience.classes.get(name, 0.0) > 0:
            yield ("resilience", "classes", name), "is batch work: it waits after a loss, so no share of it can be kept"


def _names(s: Scenario) -> Problems:
    sites = list(s.sites)
    named: list[tuple[KeyPath, str]] = []
    named += [(("leases", str(i), "site"), lease.site) for i, lease in enumerate(s.leases)]
    named += [(("reservations", str(i), "site"), offer.site) for i, offer in enumerate(s.reservations)]
    for name, plant in s.onsite.items():
        named += [(("onsite", name, "sites", str(i)), site) for i, site in enumerate(plant.sites)]
    for name, run in s.training.items():
        named += [(("training", name, "sites", str(i)), site) for i, site in enumerate(run.sites)]
    yield from ((path, unknown(name, sites, "site")) for path, name in named if name not in sites)
    taken = {*s.phases.types, *([] if s.phases.types else ["phase"])}
    for name in s.onsite:
        if name in taken or name in ("grid", "clean power"):
            yield ("onsite", name), "is the name of a hall or of a source of power; choose another"


def _spans(s: Scenario) -> Problems:
    spans = [(("leases", str(i)), lease.first, lease.last) for i, lease in enumerate(s.leases)]
    spans += [(("reservations", str(i)), offer.first, offer.last) for i, offer in enumerate(s.reservations)]
    spans += [(("exports", str(i)), rule.first, rule.last) for i, rule in enumerate(s.exports)]
    for path, first, last in spans:
        if first is not None and last is not None and last < first:
            yield (*path, "last"), f"{last} is before its first year {first}"


def _sales(s: Scenario) -> Problems:
    for name, site in s.sites.items():
        if site is not None and site.sale_value is not None and site.holding_cost is None:
            yield ("sites", name, "sale_value"), "needs `holding_cost`; only with it may a site be given up"


def _milestones(s: Scenario) -> Problems:
    for what, shares in s.money.milestones.items():
        where = ("money", "milestones", what)
        for ahead in shares:
            if ahead < 0:
                yield (*where, str(ahead)), "is negative; give whole years before service, 0 for the year of service"
        if abs(sum(shares.values()) - 1) > ROUNDING:
            yield where, f"the shares sum to {sum(shares.values()):.6g}; they must sum to 1"


def _halls(s: Scenario) -> Problems:
    dense = [hall.max_rack for hall in s.phases.types.values()]
    for name, hall in s.phases.types.items():
        if dense.count(hall.max_rack) > 1 and hall.cost_factor == 1 and hall.pue_peak is None:
            yield ("phases", "types", name, "max_rack"), "another type takes the same racks and differs in nothing"


def _terms(s: Scenario) -> Problems:
    for i, lease in enumerate(s.leases):
        if lease.term != int(lease.term):
            yield ("leases", str(i), "term"), f"{lease.term:g} years are given; it must be whole years"
    for name, given in s.accelerators.items():
        for year in given.contract if given is not None else ():
            if not s.years.first <= year <= s.years.last:
                where = ("accelerators", name, "contract", str(year))
                yield where, f"is outside the years {s.years.first} to {s.years.last}"


def _training(s: Scenario) -> Problems:
    for name, run in s.training.items():
        last = run.begins + math.ceil(run.months / 12 - 1e-9) - 1
        if not s.years.first <= run.begins <= last <= s.years.last:
            where = f"it runs from {run.begins} to {last}"
            yield ("training", name, "begins"), f"{where}, outside the years {s.years.first} to {s.years.last}"
        for kind, count in run.accelerators.items():
            if count <= 0:
                yield ("training", name, "accelerators", kind), f"{count:g} is given; it must be above 0"


def _worth(s: Scenario) -> Problems:
    for name, blocks in s.demand.worth.items():
        where: KeyPath = ("demand", "worth", name)
        if name not in s.classes:
            yield where, unknown(name, list(s.classes), "class")
        if abs(sum(block.share for block in blocks) - 1) > ROUNDING:
            yield where, f"the shares sum to {sum(block.share for block in blocks):.6g}; they must sum to 1"
        for i, block in enumerate(blocks):
            if (block.worth is None) == (block.of_wage is None):
                yield (*where, str(i)), "needs `worth` or `of_wage`, one of the two"


def _sovereign(s: Scenario) -> Problems:
    for i, rule in enumerate(s.sovereignty):
        for key, known, what in (("regions", s.regions, "region"), ("classes", list(s.classes), "class"),
                                 ("sites", list(s.sites), "site")):
            for j, name in enumerate(getattr(rule, key)):
                if name not in known:
                    yield ("sovereignty", str(i), key, str(j)), unknown(name, known, what)
        if not rule.sites and not rule.countries:
            yield ("sovereignty", str(i)), "names neither `sites` nor `countries`; nothing could serve its regions"


def _resilient(s: Scenario) -> Problems:
    asked, sites = s.resilience, list(s.sites)
    for name, group in asked.groups.items():
        for i, site in enumerate(group):
            if site not in s.sites:
                yield ("resilience", "groups", name, str(i)), unknown(site, sites, "site")
        if set(group) >= set(sites):
            yield ("resilience", "groups", name), "holds every site; none would be left to serve from"
        if name in sites:
            yield ("resilience", "groups", name), "is the name of a site; choose another"
    for name in asked.classes:
        if name not in s.classes:
            yield ("resilience", "classes", name), unknown(name, list(s.classes), "class")
    if asked.any_site and len(sites) < 2:
        yield ("resilience", "any_site"), f"only one site may open ({sites[0]}), so its loss leaves none; add sites"
    if (asked.any_site or asked.groups) and s.links.include and s.links.routing == "fixed" and len(sites) > 1:
        yield ("resilience",), "needs traffic that can take other ways; add `links: {routing: free}` or no links"
    if asked.any_site and "site" in s.links.survive:
        yield ("resilience", "any_site"), f"stands beside `links.survive: {s.links.survive}`; give one of the two"
    if asked.first is not None and asked.first > s.years.last:
        yield ("resilience", "first"), f"{asked.first} is after the last year {s.years.last}"


def _futures(s: Scenario) -> Problems:
    goals = [goal for goal, _ in s.goal.steps()]
    if s.futures is None:
        if REGRET in goals:
            where: KeyPath = ("goal", "sequence", str(goals.index(REGRET)), "goal") if s.goal.sequence else (
                "goal", "kind")
            yield where, "asks for least regret, which is over several futures; give them under `futures`"
        return
    things = list(s.futures.reveal) if isinstance(s.futures.reveal, dict) else ["all"]
    for name, future in s.futures.of.items():
        for thing in future.branch:
            if thing not in things:
                yield ("futures", "of", name, "branch", thing), unknown(thing, things, "thing revealed")
        for key in future.set:
            if key.split(".")[0] in ("futures", "goal", "years"):
                where = ("futures", "of", name, "set", key)
                yield where, "is asked for of all futures alike; a future sets what the world is like"
        if not name.strip() or "/" in name or "\\" in name:
            yield ("futures", "of", name), "is also a folder's name; leave slashes out"


def options_by_year(s: Scenario) -> Iterator[tuple[KeyPath, object]]:
    """Path and value of every limit of the optional parts that may be given by year."""
    yield ("supply", "packaging"), s.supply.packaging
    yield from ((("reservations", str(i), "max_count"), offer.max_count) for i, offer in enumerate(s.reservations))
    for name, site in s.sites.items():
        if site is not None:
            yield from ((("sites", name, key), getattr(site, key)) for key in ("grid", "power_prices"))
    for name, given in s.accelerators.items():
        if given is not None and given.price_by_year is not None:
            yield ("accelerators", name, "price_by_year"), given.price_by_year
    if s.energy is not None:
        yield from ((("energy", key), getattr(s.energy, key)) for key in ("carbon_limit", "water_limit", "clean_share"))


def accelerators_of_options(s: Scenario) -> list[tuple[KeyPath, str, str]]:
    """(path, name, "accelerator") of every accelerator that the optional parts name."""
    used: list[tuple[KeyPath, str]] = []
    used += [(("training", name, "accelerators", kind), kind)
             for name, run in s.training.items() for kind in run.accelerators]
    used += [(("reservations", str(i), "accelerator"), r.accelerator) for i, r in enumerate(s.reservations)]
    used += [
        (("exports", str(i), "accelerators", str(j)), name)
        for i, rule in enumerate(s.exports) for j, name in enumerate(rule.accelerators)
    ]
    return [(path, name, "accelerator") for path, name in used]
