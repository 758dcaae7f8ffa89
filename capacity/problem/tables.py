"""The waist: every table a planning problem may have, its columns, units and keys, stated once.

Generic nouns stand here (place, asset, block, activity, commodity); `words.py` maps them to the user's. An absent table
is an empty one and makes no rows in the model. Units are those of `UNITS`, the same for all problems made from a
scenario; a Problem built by hand may use any consistent ones.
"""

from __future__ import annotations

from dataclasses import dataclass

UNITS = {
    "amount": "thousand instances",
    "asset": "thousand accelerators",
    "resource": "MW",
    "money": "million USD",
    "data": "Gb/s",
    "rtt": "ms",
}


@dataclass(frozen=True)
class Column:
    """One column: numpy kind (`str`, `int`, `float`, `bool`), unit, meaning, default (None: required)."""

    kind: str
    unit: str
    text: str
    default: object = None
    low: float | None = None


@dataclass(frozen=True)
class Table:
    """Key columns and all columns of one table."""

    key: tuple[str, ...]
    columns: dict[str, Column]


def _s(text: str, default: object = None) -> Column:
    return Column("str", "", text, default)


def _i(text: str, default: object = None, low: float | None = None) -> Column:
    return Column("int", "", text, default, low)


def _f(unit: str, text: str, default: object = None, low: float | None = 0.0) -> Column:
    return Column("float", unit, text, default, low)


def _b(text: str, default: object = None) -> Column:
    return Column("bool", "", text, default)


INF = float("inf")

TABLES: dict[str, Table] = {
    "periods": Table(("period",), {
        "period": _i("year"),
        "years": _f("a", "length", 1.0),
        "discount": _f("1", "present value of one unit of money in this period", 1.0),
    }),
    "slices": Table(("slice",), {"slice": _s("part of the day"), "hours": _f("h/a", "hours in a year")}),
    "places": Table(("place",), {"place": _s("name"), "kind": _s("`site` or `region`")}),
    "openings": Table(("place", "period"), {
        "place": _s("a place that must be opened before use"),
        "period": _i("period in which it may enter use"),
        "objective": _f("money", "discounted cost", 0.0, None),
        "cash": _f("money", "nominal payment", 0.0, None),
    }),
    "blocks": Table(("place", "block"), {
        "place": _s("where"), "block": _s("type of phase"), "resource": _s("what it provides"),
        "capacity": _f("resource", "per block"), "integer": _b("whole blocks only", True),
        "life": _i("periods in service", 10**6), "existing": _f("1", "blocks in service from the first period on", 0.0),
    }),
    "block_cells": Table(("place", "block", "period"), {
        "place": _s("where"), "block": _s("type"), "period": _i("period of entering service"),
        "max": _f("1", "most blocks entering service in this period", INF),
        "max_total": _f("1", "most blocks in service in this period, existing ones included", INF),
        "objective": _f("money", "discounted cost per block", 0.0, None), "cash": _f("money", "nominal", 0.0, None),
    }),
    "assets": Table(("asset",), {
        "asset": _s("pod design"), "unit_size": _f("asset", "usable amount per unit bought", 1.0),
        "integer": _b("whole units only", True),
    }),
    "asset_cells": Table(("place", "asset", "vintage"), {
        "place": _s("where"), "asset": _s("what"), "vintage": _i("period of entering service"),
        "max": _f("1", "most units", INF), "objective": _f("money", "discounted cost per unit", 0.0, None),
        "cash": _f("money", "nominal", 0.0, None), "life": _i("periods in service", 10**6, 1),
    }),
    "committed": Table(("place", "asset", "vintage"), {
        "place": _s("where"), "asset": _s("what"), "vintage": _i("period it entered, may precede the first"),
        "count": _f("1", "units in service"), "life": _i("periods", 10**6, 1),
    }),
    "upkeep": Table(("place", "asset", "period"), {
        "place": _s("where"), "asset": _s("what"), "period": _i("when"),
        "objective": _f("money", "discounted cost per unit in service", 0.0, None),
        "cash": _f("money", "nominal", 0.0, None),
    }),
    "asset_uses": Table(("asset", "resource"), {
        "asset": _s("what"), "resource": _s("of what"), "amount": _f("resource", "per unit in service"),
    }),
    "rentals": Table(("place", "asset", "period"), {
        "place": _s("where"), "asset": _s("what"), "period": _i("when"), "max": _f("asset", "most", INF),
        "objective": _f("money", "per asset amount and period", 0.0, None), "cash": _f("money", "nominal", 0.0, None),
    }),
    "activities": Table(("activity",), {
        "activity": _s("serving configuration"),
        "asset": _s("what it runs on; empty: nothing, and it runs wherever its commodity may be served from"),
        "commodity": _s("what it makes"), "group": _s("shares are limited by group (model variant)", ""),
        "output_per_unit": _f("amount/asset", "made per asset amount in use"),
        "slack": _f("ms", "round trip it can bear", INF), "first": _i("first period", -(10**6)),
        "last": _i("last period", 10**6),
    }),
    "activity_costs": Table(("place", "activity", "period"), {
        "place": _s("where"), "activity": _s("what"), "period": _i("when"),
        "objective": _f("money", "discounted, per asset amount in use for the whole period", 0.0, None),
        "cash": _f("money", "nominal", 0.0, None),
    }),
    "activity_uses": Table(("activity", "resource"), {
        "activity": _s("what"), "resource": _s("of what; blocks provide it"),
        "amount": _f("resource/asset", "per asset amount in use"),
    }),
    "shares": Table(("commodity", "group"), {
        "commodity": _s("of what"), "group": _s("activities of this group"),
        "max_share": _f("1", "make at most this share of what is served"),
    }),
    "demands": Table(("demand",), {
        "demand": _s("id"), "place": _s("where it arises"), "commodity": _s("of what"), "period": _i("when"),
        "slice": _s("when in the day; empty: at any time of it, and the amount is the day's mean"),
        "amount": _f("amount", "asked for"),
        "weight": _f("1", "weight of its shortage or service in a goal", 1.0),
        "shortage_price": _f("money/amount", "discounted price of not serving one amount", 0.0),
        "must_serve": _b("shortage forbidden", False), "single_source": _b("from one place only", False),
    }),
    "assignments": Table(("demand", "place"), {
        "demand": _s("id"), "place": _s("from where"), "rtt": _f("ms", "round trip", 0.0),
        "unit_cost": _f("money/amount", "discounted", 0.0, None), "max": _f("amount", "most", INF),
    }),
    "links": Table(("link",), {
        "link": _s("name"), "from": _s("place"), "to": _s("place"), "existing": _f("data", "already lit", 0.0),
        "mode": _s("shared (both directions share it), each_way (each has it) or one_way (from -> to)", "shared"),
    }),
    "modules": Table(("link", "module", "period"), {
        "link": _s("on which link"), "module": _s("type"), "period": _i("period of lighting"),
        "capacity": _f("data", "per module"), "max": _f("1", "most", INF), "integer": _b("whole modules", True),
        "objective": _f("money", "discounted", 0.0, None), "cash": _f("money", "nominal", 0.0, None),
        "life": _i("periods lit", 10**6, 1),
    }),
    "serve_loads": Table(("link", "demand", "place"), {
        "link": _s("carries"), "demand": _s("the traffic of this demand"), "place": _s("served from here"),
        "load": _f("data/amount", "per amount served"),
    }),
    "open_loads": Table(("link", "place", "period"), {
        "link": _s("carries"), "place": _s("the traffic of this open place"), "period": _i("when"),
        "load": _f("data", "while it is open"),
    }),
    "flows": Table(("flow",), {
        "flow": _s("traffic of one origin, routed freely and together"), "source": _s("place it starts from"),
        "period": _i("when"), "slice": _s("when in the day"),
    }),
    "flow_sinks": Table(("flow", "sink"), {
        "flow": _s("which"), "sink": _s("place it ends at"), "amount": _f("data", "that must arrive"),
    }),
    "arc_costs": Table(("link", "period"), {
        "link": _s("on which link"), "period": _i("when"),
        "objective": _f("money/data", "discounted, per data rate carried for the whole period", 0.0),
        "cash": _f("money/data", "nominal", 0.0),
        "basis": _s("both (each direction pays) or busier (only the busier direction pays)", "both"),
    }),
    "flow_terms": Table(("flow", "sink", "variable", "place", "item", "period", "period2", "slice"), {
        "flow": _s("which"), "sink": _s("place it ends at"), "variable": _s("open, serve or use"),
        "place": _s("as in limit_terms", ""), "item": _s("as there", ""), "period": _i("as there", 0),
        "period2": _i("as there", 0), "slice": _s("as there", ""),
        "coefficient": _f("data", "that must arrive per unit of the variable, beside the sink's own amount"),
    }),
    "paths": Table(("path",), {
        "path": _s("a way over links, or over none"), "from": _s("place"), "to": _s("place"),
        "rtt": _f("ms", "round trip along it"),
    }),
    "path_links": Table(("path", "link"), {
        "path": _s("which"), "link": _s("it passes"), "toward": _s("the end of the link that it goes to"),
    }),
    "assignment_paths": Table(("demand", "place", "path"), {
        "demand": _s("id"), "place": _s("from where"),
        "path": _s("a way its traffic may take; an assignment with paths has their round trips, not its own"),
        "load": _f("data/amount", "along the path, per amount served"),
        "load_back": _f("data/amount", "against it", 0.0),
    }),
    "needs": Table(("activity", "commodity"), {
        "activity": _s("what"), "commodity": _s("that it takes, made at its place or sent there; demanded by nobody"),
        "amount": _f("amount/asset", "per asset amount in use"),
    }),
    "shipments": Table(("commodity", "path"), {
        "commodity": _s("that may be sent from place to place"), "path": _s("along which way"),
        "load": _f("data/amount", "along the path, per amount sent"), "load_back": _f("data/amount", "against it", 0.0),
    }),
    "hoses": Table(("place", "period", "slice"), {
        "place": _s("one of the places between which traffic is uncertain"), "period": _i("when"),
        "slice": _s("when in the day"), "out": _f("data", "most it sends to the others together"),
        "into": _f("data", "most it receives from them together"),
    }),
    "failures": Table(("case", "kind", "element", "period", "slice"), {
        "case": _s("what is lost at once"), "kind": _s("link or place"), "element": _s("its name"),
        "period": _i("when"), "slice": _s("when in the day"),
        "keep": _f("1", "share of what is served that must be served after the loss of a place", 1.0),
    }),
    "keeps": Table(("case", "commodity"), {
        "case": _s("of table failures, losing places"), "commodity": _s("what is served"),
        "keep": _f("1", "share of it that must be served after the loss, in place of the case's own"),
    }),
    "limits": Table(("limit",), {
        "limit": _s("name"), "topic": _s("budget, supply, power, ..."), "sense": _s("<=, >= or ==", "<="),
        "rhs": _f("any", "right-hand side", None, None), "period": _i("the period it speaks of", 0),
    }),
    "limit_terms": Table(("limit", "variable", "place", "item", "period", "period2", "slice"), {
        "limit": _s("name"),
        "variable": _s("name of a variable, of VARIABLES or OPTIONAL_VARIABLES"),
        "place": _s("place (or link, or demand)", ""), "item": _s("block, asset, activity, module or place", ""),
        "period": _i("period, or vintage of bought and alive", 0), "period2": _i("period of alive", 0),
        "slice": _s("slice of use, contract of reserve", ""),
        "coefficient": _f("any", "per unit of the variable", None, None),
    }),
    "block_resources": Table(("place", "block", "resource"), {
        "place": _s("where"), "block": _s("type of phase"), "resource": _s("what else it provides"),
        "amount": _f("resource", "per block in use"),
    }),
    "holdings": Table(("place", "period"), {
        "place": _s("a place that may be given up"), "period": _i("when"),
        "objective": _f("money", "discounted cost of holding it in this period", 0.0, None),
        "cash": _f("money", "nominal", 0.0, None),
    }),
    "sales": Table(("place", "period"), {
        "place": _s("a place of table holdings"), "period": _i("first period in which it is held no more"),
        "objective": _f("money", "discounted proceeds of giving it up then", 0.0), "cash": _f("money", "nominal", 0.0),
    }),
    "companions": Table(("place", "commodity", "companion"), {
        "place": _s("where it serves"), "commodity": _s("what, other than by the day"),
        "companion": _s("a place that must be in use meanwhile"),
    }),
    "block_upkeep": Table(("place", "block", "period"), {
        "place": _s("a place that may be given up"), "block": _s("type"), "period": _i("when"),
        "objective": _f("money", "discounted cost per block kept in use", 0.0, None),
        "cash": _f("money", "nominal", 0.0, None),
    }),
    "ageing": Table(("asset", "age"), {
        "asset": _s("what"), "age": _i("periods since it entered service; one not listed is as new", None, 0),
        "serving": _f("1", "share of the unit's usable amount that serves at this age", 1.0),
        "upkeep": _f("1", "factor of its upkeep at this age", 1.0),
    }),
    "resale": Table(("place", "asset", "vintage", "period"), {
        "place": _s("where"), "asset": _s("what"), "vintage": _i("period it entered service"),
        "period": _i("first period out of service; it served in the one before"),
        "objective": _f("money", "discounted proceeds per unit", 0.0), "cash": _f("money", "nominal", 0.0),
    }),
    "reservations": Table(("place", "asset", "contract", "period"), {
        "place": _s("where"), "asset": _s("what"), "contract": _s("terms on offer"), "period": _i("first of its term"),
        "life": _i("periods of the term", None, 1), "max": _f("asset", "most", INF),
        "objective": _f("money", "discounted, per asset amount for the whole term inside the horizon", 0.0, None),
        "cash": _f("money", "nominal, per asset amount and period", 0.0, None),
    }),
    "orders": Table(("order",), {
        "order": _s("what is bought together: nothing of it, or at least so much"), "period": _i("when", 0),
        "least": _f("any", "if ordered at all"), "most": _f("any", "if ordered", INF),
        "objective": _f("money", "discounted, once if ordered", 0.0, None), "cash": _f("money", "nominal", 0.0, None),
    }),
    "order_terms": Table(("order", "variable", "place", "item", "period", "period2", "slice"), {
        "order": _s("name"), "variable": _s("as in limit_terms"), "place": _s("as there", ""),
        "item": _s("as there", ""), "period": _i("as there", 0), "period2": _i("as there", 0),
        "slice": _s("as there", ""), "coefficient": _f("any", "per unit of the variable"),
    }),
    "sources": Table(("place", "source", "period", "slice"), {
        "place": _s("where"), "source": _s("of energy"), "period": _i("when"), "slice": _s("when in the day"),
        "max": _f("MW", "most, beside what blocks give", INF),
        "objective": _f("money/MW", "discounted, drawn for the whole slice of the period", 0.0, None),
        "cash": _f("money/MW", "nominal", 0.0, None),
    }),
    "source_blocks": Table(("place", "source", "block"), {
        "place": _s("where"), "source": _s("of energy"), "block": _s("type whose blocks in use feed it"),
        "amount": _f("MW", "per block"),
    }),
    "draws": Table(("place", "activity", "period"), {
        "place": _s("where"), "activity": _s("what"), "period": _i("when"),
        "amount": _f("MW/asset", "drawn per asset amount in use"),
    }),
    "block_draws": Table(("place", "block"), {
        "place": _s("where"), "block": _s("type"), "amount": _f("MW", "drawn per block in use, whatever runs in it"),
    }),
    "idle_draws": Table(("place", "asset"), {
        "place": _s("where"), "asset": _s("what stands there"),
        "per_unit": _f("MW", "drawn by each unit in service, whether it runs or not", 0.0),
        "per_amount": _f("MW/asset", "the same of what is rented or reserved", 0.0),
    }),
    "stores": Table(("place", "store"), {
        "place": _s("where"), "store": _s("of energy"), "block": _s("type whose blocks in use it is made of"),
        "power": _f("MW", "charged or discharged, per block"), "energy": _f("MWh", "held, per block"),
        "efficiency": _f("1", "share of what is charged that comes back", 1.0),
    }),
    "moves": Table(("commodity", "period"), {
        "commodity": _s("what is served"), "period": _i("against the period before"),
        "max_share": _f("1", "most of what was served that may move to other places", INF),
        "objective": _f("money/amount", "discounted, per amount moved", 0.0),
        "cash": _f("money/amount", "nominal", 0.0),
    }),
    "training": Table(("place", "asset", "run", "period"), {
        "place": _s("where it may train"), "asset": _s("on what"), "run": _s("name"), "period": _i("when"),
        "amount": _f("asset", "held meanwhile, all of it at one place and of one asset"),
        "draw": _f("MW", "drawn from sources, averaged over the period", 0.0),
        "objective": _f("money", "discounted cost in this period", 0.0, None),
        "cash": _f("money", "nominal", 0.0, None),
    }),
    "goals": Table(("order",), {
        "order": _i("1 first"),
        "goal": _s("shortage, worst_shortage, cost, cost_and_shortage, surplus, served, or one of goal_terms"),
        "tolerance": _f("1", "share of this goal that later ones may give up", 0.0),
    }),
    "goal_terms": Table(("goal", "variable", "place", "item", "period", "period2", "slice"), {
        "goal": _s("name"), "variable": _s("as in limit_terms"), "place": _s("as there", ""),
        "item": _s("as there", ""), "period": _i("as there", 0),
        "period2": _i("as there", 0), "slice": _s("as there", ""),
        "coefficient": _f("any", "per unit of the variable; the sum is minimised", None, None),
    }),
}

VARIABLES: dict[str, tuple[str, ...]] = {
    "open": ("place", "period"),
    "built": ("place", "block", "period"),
    "bought": ("place", "asset", "vintage"),
    "alive": ("place", "asset", "vintage", "period"),
    "rent": ("place", "asset", "period"),
    "use": ("place", "activity", "period", "slice"),
    "serve": ("demand", "place"),
    "short": ("demand",),
    "modules": ("link", "module", "period"),
}
"""Decision variables of the formulation and their index columns; a solution is one long table each, plus `value`."""

OPTIONAL_VARIABLES: dict[str, tuple[str, ...]] = {
    "held": ("place", "period"),
    "given_up": ("place", "period"),
    "kept": ("place", "block", "period"),
    "reserve": ("place", "asset", "contract", "period"),
    "ordered": ("order",),
    "draw": ("place", "source", "period", "slice"),
    "charge": ("place", "store", "period", "slice"),
    "discharge": ("place", "store", "period", "slice"),
    "moved": ("commodity", "place", "period"),
    "train": ("place", "asset", "run"),
}
"""Variables that a problem has only where one of its optional tables asks for them."""

FLOW_VARIABLES: dict[str, tuple[str, ...]] = {
    "flow": ("flow", "link", "toward"),
    "busier": ("link", "period", "slice"),
    "via": ("demand", "place", "path"),
    "ship": ("commodity", "path", "period", "slice"),
    "template": ("case", "source", "sink", "link", "toward", "period", "slice"),
    "hose_out": ("case", "link", "toward", "place", "period", "slice"),
    "hose_into": ("case", "link", "toward", "place", "period", "slice"),
    "still_serve": ("case", "demand", "place"),
    "still_use": ("case", "place", "activity", "period", "slice"),
    "still_via": ("case", "demand", "place", "path"),
    "still_ship": ("case", "commodity", "path", "period", "slice"),
    "still_flow": ("case", "flow", "link", "toward"),
}
"""Variables of traffic, only of problems with such traffic: `flow` is the data rate of a flow on a link toward one of
its ends, `busier` that of the busier direction where it alone pays, `via` what of an assignment takes a path, `ship`
what is sent along a path; `template` the share of the uncertain traffic of two places on a link, `hose_out` and
`hose_into` the certificate that it fits; `still_*` the same after a failure."""
