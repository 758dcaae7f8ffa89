"""The cheapest mix of model variants, solved: which serves which work, and from which factor a small one wins.

An equivalence factor is what an hour of a small model is worth of one of its large model, in a class of work.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from capacity.plan import Plan
from capacity.scenario import load_scenario
from capacity.studies.founding.facts import Facts
from capacity.studies.founding.solved import solved

SCENARIO = "small-models"
EASIEST = "easy"
GAP, SECONDS = 0.01, 60.0
FACTORS = (1.0, 0.7, 0.5, 0.35, 0.25, 0.18, 0.12, 0.08, 0.05, 0.03, 0.02, 0.01)
"""Factors of the small model, a class of work each."""


@dataclass(frozen=True)
class Form:
    """A model as served: its formats of weights and keys, and what it is called where forms of it are compared."""

    model: str
    words: str
    weights: str = "fp8"
    kv: str = "fp8"


def _solved(facts: Facts, sets: tuple[str, ...]) -> Plan:
    return solved(facts, SCENARIO, sets, GAP, SECONDS)


def graded(facts: Facts, easy: float) -> tuple[pd.DataFrame, float]:
    """(work and accelerators by grade and variant of the cheapest mix; cost over that of the largest alone).

    `easy` is the share of work in the easiest grade; the other grades share the rest as the scenario has them.
    """
    paths = load_scenario(SCENARIO).demand.classes
    (year,) = {year for path in paths.values() for year in path.by_year or {}}
    amount = {name: float((path.by_year or {})[year]) for name, path in paths.items()}
    total, rest = sum(amount.values()), sum(amount.values()) - amount[EASIEST]
    wanted = {name: total * (easy if name == EASIEST else (1 - easy) * own / rest) for name, own in amount.items()}
    asked = tuple(f"demand.classes.{name}.by_year={{{year}: {round(own)}}}" for name, own in wanted.items() if own >= 1)
    return _served(_solved(facts, asked)), _cost(_solved(facts, asked)) / _cost(_alone(facts))


def _alone(facts: Facts) -> Plan:
    """All work by the variant that does every grade."""
    kinds = load_scenario(SCENARIO).variants
    largest = max(kinds, key=lambda name: len(kinds[name].equivalence))
    return _solved(facts, (_set("variants", {largest: kinds[largest].model_dump(exclude_unset=True)}),))


def _cost(plan: Plan) -> float:
    return float(plan.stages["objective"].iloc[-1])


def by_factor(facts: Facts, large: Form, small: Form) -> pd.DataFrame:
    """The plan's choice at each factor: share of work that `small` serves, accelerators over those of `large` alone."""
    base = load_scenario(SCENARIO)
    kind = base.classes[EASIEST].model_dump(exclude_unset=True)
    each = sum(float(v) for path in base.demand.classes.values() for v in (path.by_year or {}).values()) / len(FACTORS)
    names = [f"at-{factor:g}" for factor in FACTORS]
    worth = {"large": dict.fromkeys(names, 1.0), "small": dict(zip(names, FACTORS, strict=True))}
    variants = {name: {"model": form.model, "weights": form.weights, "kv": form.kv, "available": base.years.first,
                       "equivalence": worth[name]} for name, form in (("large", large), ("small", small))}
    asked = {name: {"by_year": {base.years.first: each}} for name in names}
    plan = _solved(facts, (_set("classes", dict.fromkeys(names, kind)), _set("variants", variants),
                           _set("demand", {"classes": asked, "split": "population"})))
    name = names[0]
    only = _solved(facts, (_set("classes", {name: kind}),
                           _set("variants", {"large": {**variants["large"], "equivalence": {name: 1.0}}}),
                           _set("demand", {"classes": {name: asked[name]}, "split": "population"})))
    alone = float(only.tables["sharding"]["accelerators_used"].sum())
    table = _served(plan)
    used = table.groupby("grade")["accelerators"].sum()
    share = table[table["variant"] == "small"].groupby("grade")["share_of_grade"].sum()
    return pd.DataFrame({"large": large.words, "small": small.words, "factor": FACTORS,
                         "small_serves": [float(share.get(n, 0.0)) for n in names],
                         "against_large": [float(used[n]) / alone for n in names]})


def _set(key: str, value: Mapping[str, Any]) -> str:
    return f"{key}={json.dumps(value)}"


def _served(plan: Plan) -> pd.DataFrame:
    """Instances and accelerators by class and variant, with the share of the class and of all work that they do."""
    rows = plan.tables["sharding"].groupby(["service_class", "variant"], as_index=False)[
        ["instances", "accelerators_used"]].sum()
    rows = rows.rename(columns={"service_class": "grade", "accelerators_used": "accelerators"})
    done = rows["instances"]
    return rows.assign(share_of_grade=done / done.groupby(rows["grade"]).transform("sum"),
                       share_of_work=done / done.sum(), share_of_accelerators=rows["accelerators"]
                       / rows["accelerators"].sum())
