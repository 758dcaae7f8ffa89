"""Every table of a plan in the user's words: columns, kinds, units and meaning, stated once.

`conform` gives a frame exactly these columns in this order; `word` reads the Problem's tables in the user's words.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from capacity.errors import CapacityError

if TYPE_CHECKING:
    from capacity.problem import Problem

THOUSAND = 1e3
"""Instances in one amount of the waist, accelerators in one asset amount."""
MILLION = 1e6
"""USD in one unit of money of the waist."""


@dataclass(frozen=True)
class PlanColumn:
    """Kind (`str`, `int`, `float`, `bool`), unit and meaning of one column."""

    kind: str
    unit: str
    text: str


def _s(text: str) -> PlanColumn:
    return PlanColumn("str", "", text)


def _y(text: str = "year of service") -> PlanColumn:
    return PlanColumn("int", "year", text)


def _f(unit: str, text: str) -> PlanColumn:
    return PlanColumn("float", unit, text)


_SITE, _CLASS, _REGION = _s("site"), _s("service class"), _s("region")
_CHIP, _POD, _FABRIC = _s("accelerator"), _s("pod design"), _s("fabric of the pods")

PLAN_TABLES: dict[str, dict[str, PlanColumn]] = {
    "openings": {"site": _SITE, "year": _y("year the site enters use")},
    "phases": {
        "site": _SITE, "phase": _s("type of phase"), "year": _y(), "built": _f("1", "phases entering service"),
        "it_mw": _f("MW", "IT power entering service"), "facility_mw": _f("MW", "the same at the meter, at peak PUE"),
        "total_facility_mw": _f("MW", "facility power in service in this year"),
    },
    "pods": {
        "site": _SITE, "pod": _POD, "accelerator": _CHIP, "fabric": _FABRIC, "vintage": _y("year of entering service"),
        "pods": _f("1", "pods bought"), "accelerators": _f("1", "accelerators in them, spares included"),
    },
    "fleet": {
        "site": _SITE, "accelerator": _CHIP, "year": _y(), "accelerators": _f("1", "in service, spares included"),
        "it_mw": _f("MW", "their nameplate IT power"),
    },
    "retirements": {
        "site": _SITE, "pod": _POD, "accelerator": _CHIP, "vintage": _y("year of entering service"),
        "year": _y("first year out of service"), "accelerators": _f("1", "leaving service"),
    },
    "rentals": {
        "site": _SITE, "accelerator": _CHIP, "year": _y(), "accelerators": _f("1", "rented all year"),
    },
    "links": {
        "link": _s("name"), "from": _s("site"), "to": _s("site"), "year": _y(),
        "modules": _f("1", "modules lit in this year"), "new_gbps": _f("Gb/s", "capacity lit in this year"),
        "gbps": _f("Gb/s", "capacity in service, existing included"),
        "used_gbps": _f("Gb/s", "traffic in the busiest slice"),
    },
    "flows": {
        "year": _y(), "slice": _s("part of the day"), "traffic": _s("what flows"), "from": _s("site or region"),
        "to": _s("site"), "way": _s("link or path; any: it chooses its ways itself, in parts if need be"),
        "gbps": _f("Gb/s", "both directions together"),
        "rtt_ms": _f("ms", "round trip of a path; NaN where none counts"),
    },
    "sharding": {
        "year": _y(), "site": _SITE, "service_class": _CLASS, "variant": _s("model variant"), "model": _s("AI model"),
        "weights": _s("precision of weights"), "kv": _s("precision of the KV cache"), "accelerator": _CHIP,
        "serves_as": _s("whole copy, part of an accelerator, streamed weights, or prefill in a pool of its own"),
        "fabric": _FABRIC, "tp": _f("1", "tensor parallel"), "pp": _f("1", "pipeline parallel"),
        "ep": _f("1", "expert parallel"), "dp": _f("1", "attention data parallel"),
        "copy_accelerators": _f("1", "accelerators of one model copy"), "batch": _f("1", "sequences in flight"),
        "accelerators_used": _f("1", "in the busiest slice"),
        "mean_accelerators_used": _f("1", "averaged over the day"),
        "instances": _f("1", "that they can carry in the busiest slice"),
        "equivalence": _f("1", "human-hours of accepted work per instance-hour of the variant"),
        "memory_gb": _f("GB", "per accelerator"), "ttft_ms": _f("ms", "time to first token, without network"),
        "network_ms": _f("ms", "largest round trip of the class at this site, within the slack"),
        "tpot_ms": _f("ms", "time per output token"), "rtt_slack_ms": _f("ms", "round trip it can bear"),
        "ttft_limit_ms": _f("ms", "the class's limit"), "tpot_limit_ms": _f("ms", "the class's limit"),
        "limited_by": _s("what limits throughput"),
        "meets_slo": PlanColumn("bool", "", "TTFT with network and TPOT within the class's limits"),
    },
    "day": {
        "year": _y(), "slice": _s("part of the day"), "hours": _f("h", "that the slice lasts in a year"),
        "service_class": _CLASS, "batch": PlanColumn("bool", "", "work without latency limits, asked for by the day"),
        "accelerators_used": _f("1", "in use in this slice"), "instances": _f("1", "that they can carry in it"),
    },
    "losses": {
        "case": _s("what is lost, by name"), "kind": _s("site, link, or both"), "lost": _s("what is lost"),
        "year": _y(), "slice": _s("part of the day"),
        "planned": PlanColumn("bool", "", "whether the plan must survive it in this year"),
        "accelerators": _f("1", "in service, rented and reserved included"),
        "accelerators_left": _f("1", "of them at sites that are left"),
        "facility_mw": _f("MW", "in service"), "facility_mw_left": _f("MW", "of it at sites that are left"),
        "links_gbps": _f("Gb/s", "lit"), "links_gbps_left": _f("Gb/s", "of it on links that are left"),
        "instances_before": _f("1", "served in this slice"),
        "instances_asked": _f("1", "of them that must be served after the loss; NaN where it is not planned"),
        "instances_after": _f("1", "of them served after it within their limits; NaN where it is not planned"),
        "survived": PlanColumn("bool", "", "planned, somebody is served, and what is asked is served after it"),
        "covered_from": PlanColumn("int", "year", "first year from which it is survived to the last one; 0: none"),
    },
    "failover": {
        "case": _s("what is lost, by name"), "year": _y(), "slice": _s("part of the day"), "service_class": _CLASS,
        "site": _SITE, "lost": PlanColumn("bool", "", "whether the site is lost"),
        "instances_before": _f("1", "served from there in this slice"),
        "instances_after": _f("1", "served from there after the loss"),
    },
    "placement": {
        "year": _y(), "slice": _s("part of the day"), "region": _REGION, "service_class": _CLASS, "site": _SITE,
        "instances": _f("1", "served from there; of batch work the day's mean"), "rtt_ms": _f("ms", "round trip"),
    },
    "served": {
        "year": _y(), "region": _REGION, "service_class": _CLASS,
        "instances_demanded": _f("1", "in this cell's busiest slice"),
        "instances_served": _f("1", "in the same slice"), "instances_short": _f("1", "in the same slice"),
        "peak_demanded": _f("1", "in the slice of the year's largest demand in all"),
        "peak_served": _f("1", "in that slice: adds up to the schedule's"), "peak_short": _f("1", "in that slice"),
        "mean_demanded": _f("1", "averaged over the day"), "mean_served": _f("1", "averaged over the day"),
        "mean_short": _f("1", "averaged over the day"),
        "instance_hours_demanded": _f("h", "in the year"), "instance_hours_served": _f("h", "in the year"),
    },
    "money": {
        "year": _y("year of payment (cash) and of use (annual cost)"), "topic": _s("what for"),
        "kind": _s("capex or opex"), "cash_usd": _f("USD", "nominal payment"),
        "annual_cost_usd": _f("USD", "capex as annuities of service years, opex as paid; undiscounted"),
        "objective_usd": _f("USD", "annual cost discounted: its part of the cost goal"),
    },
    "prices": {
        "year": _y(), "cost_usd_per_instance_hour": _f("USD/h", "annual cost over instance-hours served, nominal"),
        "price_usd_per_instance_hour": _f("USD/h", "the same with `money.margin` of the price on top, nominal"),
        "real_price_usd_per_instance_hour": _f("USD/h", "in money of the price year, at general inflation"),
        "price_usd_per_million_output_tokens": _f("USD", "with the margin, their input included, nominal"),
        "real_price_usd_per_million_output_tokens": _f("USD", "in money of the price year"),
        "price_year": PlanColumn("int", "year", "whose money the real prices are in"),
        "training_usd_per_instance_hour": _f(
            "USD/h", "what the price holds of training runs: of those recovered later, their instalment of this year"),
    },
    "training": {
        "run": _s("training run"), "site": _SITE, "accelerator": _CHIP, "pod": _POD, "year": _y("year it touches"),
        "months": _f("1", "months of the year that it runs"), "accelerators": _f("1", "accelerators it takes"),
        "energy_gwh": _f("GWh", "at their nameplate power"), "carbon_kt": _f("kt CO2", "emitted by it"),
        "cost_usd": _f("USD", "its part of the year's cost of the fleet, its power and its own cost, nominal"),
    },
    "accounts": {
        "year": _y(), "invested_usd": _f("USD", "capex paid, proceeds of resale taken off, nominal"),
        "depreciation_usd": _f("USD", "straight-line over planned lives from the year of service; openings keep value"),
        "book_usd": _f("USD", "invested less depreciation at the end of the year: in the last one, what is left over"),
        "debt_usd": _f("USD", "`money.debt_share` of the book value"),
        "interest_usd": _f("USD", "`money.debt_rate` of the debt; the objective's discount rate holds it already"),
    },
    "onsite": {
        "site": _SITE, "name": _s("generation or storage"), "year": _y(), "built": _f("1", "blocks entering service"),
        "mw": _f("MW", "in service"), "mean_mw": _f("MW", "generated or discharged, averaged over the year"),
    },
    "reservations": {
        "site": _SITE, "accelerator": _CHIP, "contract": _s("term"), "year": _y("first year of the term"),
        "last": PlanColumn("int", "year", "last year of the term"), "accelerators": _f("1", "reserved"),
    },
    "power": {
        "year": _y(), "site": _SITE, "it_mw": _f("MW", "nameplate of accelerators in service"),
        "capacity_it_mw": _f("MW", "IT power of phases in service"),
        "facility_mw": _f("MW", "phases in service at the meter, at peak PUE"),
        "energy_gwh": _f("GWh", "of accelerators in use, at the meter, at mean PUE"),
        "carbon_kt": _f("kt CO2", "of it"),
    },
    "limits": {
        "limit": _s("name"), "topic": _s("budget, supply, power, ..."), "year": _y("0: all years"),
        "sense": _s("<=, >= or =="), "rhs": _f("waist", "right-hand side, in the units of the planning problem"),
        "used": _f("waist", "left-hand side"), "slack": _f("waist", "distance to the right-hand side"),
        "smallest_unit": _f("waist", "least that one more whole phase, pod or module would use; 0 where parts count"),
        "binding": PlanColumn("bool", "", "used to 99 % or more, or with no room for one more whole unit"),
    },
    "schedule": {
        "year": _y(), "instances_demanded": _f("1", "in the busiest slice"),
        "instances_served": _f("1", "in the slice of the largest demand"),
        "instances_short": _f("1", "in the slice of the largest demand"),
        "short_share": _f("1", "of the year's demanded instance-hours"),
        "new_sites": _s("sites entering use"), "sites": _f("1", "sites in use"),
        "facility_mw": _f("MW", "in service"), "it_mw": _f("MW", "nameplate of accelerators in service"),
        "accelerators": _f("1", "in service, rented included"), "accelerators_bought": _f("1", "entering service"),
        "link_gbps": _f("Gb/s", "lit between sites"), "capex_usd": _f("USD", "nominal cash paid in the year"),
        "opex_usd": _f("USD", "nominal cash paid in the year"), "annual_cost_usd": _f("USD", "annuities and opex"),
        "usd_per_instance_hour": _f("USD/h", "annual cost over instance-hours served"),
        "work_years": _f("1", "years of a worker's hours that the instance-hours served amount to"),
        "output_tokens": _f("1", "written by the copies for what is served"),
        "usd_per_million_output_tokens": _f("USD", "annual cost over output tokens, their input included"),
        "energy_gwh": _f("GWh", "at the meter"), "carbon_kt": _f("kt CO2", "of it"), "binds": _s("what binds"),
    },
    "sites": {
        "site": _SITE, "name": _s("name"), "country": _s("country"), "latitude": _f("deg", "north"),
        "longitude": _f("deg", "east"), "pue": _f("1", "mean over the year"), "pue_peak": _f("1", "at peak"),
        "power_usd_kwh": _f("USD/kWh", "price"), "carbon_g_kwh": _f("g/kWh", "CO2 of power"),
    },
    "regions": {
        "region": _REGION, "name": _s("name"), "latitude": _f("deg", "north"), "longitude": _f("deg", "east"),
        "wage_usd_h": _f("USD/h", "nominal hourly wage"),
    },
    "token_prices": {
        "service_class": _CLASS, "provider": _s("who sells"), "model": _s("what is sold"), "as_of": _s("date of price"),
        "input_usd_per_mtok": _f("USD/Mtok", "fresh input"),
        "cached_input_usd_per_mtok": _f("USD/Mtok", "cached input; the fresh price where it is not sold apart"),
        "output_usd_per_mtok": _f("USD/Mtok", "output"),
        "usd_per_instance_hour": _f("USD/h", "list price of the tokens of one instance-hour of the class"),
        "usd_per_million_output_tokens": _f("USD", "the same per million output tokens, their input included"),
        "confidence": _s("published, derived or estimate"), "source": _s("where from"),
    },
    "refused": {
        "service_class": _CLASS, "variant": _s("model variant"), "pod": _POD, "reason": _s("why it is not on offer"),
    },
    "trips": {
        "region": _REGION, "site": _SITE, "rtt_ms": _f("ms", "round trip"), "km": _f("km", "great-circle distance"),
        "basis": _s("measured or fitted"),
    },
    "stages": {
        "order": PlanColumn("int", "", "1 first"), "goal": _s("what is minimised"),
        "objective": _f("waist", "reached"), "bound": _f("waist", "proven: no plan is below it"),
        "gap": _f("1", "relative"), "seconds": _f("s", "spent"), "status": _s("how it ended"),
    },
    "assumptions": {
        "what": _s("the number"), "value": _s("as used"), "unit": _s("unit"),
        "confidence": _s("published, derived or estimate"), "source": _s("where from"),
    },
}
"""The tables of `Plan.tables` (and its stages and assumptions)."""

WORDS: dict[str, dict[str, str]] = {
    "serving": {
        "activity": "str", "service_class": "str", "variant": "str", "model": "str", "weights": "str", "kv": "str",
        "serves_as": "str",
        "pod": "str", "accelerator": "str", "fabric": "str", "tp": "float", "pp": "float", "ep": "float",
        "dp": "float", "accelerators": "float", "batch": "float", "ttft_s": "float", "tpot_s": "float",
        "memory_gb": "float", "power_w_per_accelerator": "float", "rtt_slack_s": "float", "limited_by": "str",
        "equivalence": "float",
    },
    "training": {
        "run": "str", "place": "str", "asset": "str", "period": "int", "share": "float", "accelerators": "float",
        "mwh": "float", "tonnes": "float",
    },
    "pods": {"pod": "str", "accelerator": "str", "fabric": "str", "size": "float"},
    "sites": {
        "site": "str", "name": "str", "country": "str", "latitude": "float", "longitude": "float", "pue": "float",
        "pue_peak": "float", "power_usd_kwh": "float", "carbon_g_kwh": "float",
    },
    "regions": {"region": "str", "name": "str", "latitude": "float", "longitude": "float", "wage_usd_h": "float"},
    "demand": {"demand": "str", "region": "str", "service_class": "str"},
    "refused": {"service_class": "str", "variant": "str", "pod": "str", "reason": "str"},
    "sources": {"place": "str", "source": "str", "period": "int", "slice": "str", "g_kwh": "float"},
    "trips": {"source": "str", "target": "str", "rtt_ms": "float", "km": "float", "basis": "str"},
    "assumptions": {"what": "str", "value": "str", "unit": "str", "confidence": "str", "source": "str"},
}
"""Tables of `Problem.words` that a plan reads, with the kinds of their columns; a column not given is unknown."""

def conform(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    """`frame` with exactly the columns of plan table `name`, typed; sorted as given. Raises CapacityError."""
    spec = PLAN_TABLES[name]
    missing = [c for c in spec if c not in frame.columns]
    if missing and len(frame):
        raise CapacityError(f"plan table {name}: column {missing[0]!r} was not computed")
    return pd.DataFrame({c: _typed(frame.get(c), s.kind, len(frame)) for c, s in spec.items()})


def word(problem: Problem, name: str) -> pd.DataFrame:
    """One of the Problem's tables in the user's words; columns it lacks are empty text or NaN."""
    frame = problem.words.get(name)
    if frame is None:
        frame = pd.DataFrame()
    return pd.DataFrame({c: _typed(frame.get(c), kind, len(frame)) for c, kind in WORDS[name].items()})


def _typed(values: pd.Series | None, kind: str, length: int) -> pd.Series:
    empty: object = {"str": "", "int": 0, "float": np.nan, "bool": False}[kind]
    series = pd.Series([empty] * length) if values is None else values.reset_index(drop=True)
    if kind == "str":
        return series.astype(object).where(series.notna(), "").map(str).astype(object)
    return series.astype({"int": np.int64, "float": np.float64, "bool": bool}[kind])
