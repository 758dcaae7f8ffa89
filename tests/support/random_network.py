"""Small random problems of traffic between sites: flows that follow decisions, paths, hand-over, hoses, failures."""

import numpy as np
import pandas as pd

from capacity.problem import Problem
from tests.support.frames import frame

MODES = ("shared", "each_way")
KINDS = ("flows", "paths", "needs", "hoses")


def random_network(seed, kinds=KINDS, failures=True, sites=4, years=1, slices=1):
    """A ring of sites with a chord or two: what `kinds` name travels over it; any one link or site may fail."""
    draw = np.random.default_rng(seed)
    names, periods = [f"s{i}" for i in range(sites)], list(range(2027, 2027 + years))
    hours = [f"h{i}" for i in range(slices)]
    pairs = sorted({tuple(sorted((names[i], names[(i + 1) % sites]))) for i in range(sites)} | {(names[0], names[2])})
    links = [f"{a}-{b}" for a, b in pairs]
    tables = {
        "periods": pd.DataFrame({"period": periods}),
        "slices": pd.DataFrame({"slice": hours, "hours": 8766.0 / slices}),
        "places": frame("place kind", *((s, "site") for s in names), ("r0", "region"), ("r1", "region")),
        "goals": frame("order goal", (1, "cost_and_shortage")),
        "links": pd.DataFrame({"link": links, "from": [a for a, _ in pairs], "to": [b for _, b in pairs],
                               "existing": draw.integers(0, 3, len(links)).astype(float),
                               "mode": draw.choice(MODES, len(links))}),
        "modules": frame("link module period capacity max objective life", *(
            (e, "m", y, 4.0, 9.0, float(draw.uniform(1, 4)), 9) for e in links for y in periods)),
    }
    tables |= _service(draw, names, periods, hours)
    made = {"flows": _flows, "paths": _paths, "needs": _needs, "hoses": _hoses}
    for kind in kinds:
        tables |= made[kind](draw, names, pairs, periods, hours, tables)
    if failures:
        lost = [(f"loss of {e}", "link", e) for e in links] + [(f"loss of {s}", "place", s) for s in names]
        tables["failures"] = frame("case kind element period slice keep", *(
            (*what, y, hours[0], 0.5) for what in lost for y in periods))
    return Problem.of(tables, name=f"random network {seed}")


def _service(draw, names, periods, hours):
    demands = [(f"{r} {y} {h}", r, "c", y, h, float(draw.uniform(2, 6)), 50.0)
               for r in ("r0", "r1") for y in periods for h in hours]
    return {
        "assets": frame("asset integer", ("g", True)),
        "openings": frame("place period objective", *((s, y, float(draw.uniform(1, 5))) for s in names[2:]
                                                      for y in periods)),
        "asset_cells": frame("place asset vintage max objective life", *(
            (s, "g", y, 30.0, float(draw.uniform(1, 2)), 9) for s in names for y in periods)),
        "activities": frame("activity asset commodity output_per_unit slack", ("slow", "g", "c", 2.0, 60.0),
                            ("quick", "g", "c", 0.4, 300.0)),
        "blocks": frame("place block resource capacity existing", *((s, "b", "power", 40.0, 1.0) for s in names)),
        "activity_uses": frame("activity resource amount", ("slow", "power", 1.0), ("quick", "power", 1.5)),
        "demands": frame("demand place commodity period slice amount shortage_price", *demands),
        "assignments": frame("demand place rtt unit_cost", *(
            (d[0], s, float(draw.uniform(10, 150)), 0.01) for d in demands for s in names)),
    }


def _flows(draw, names, pairs, periods, hours, tables):
    """Weights from the first site to the others while open; a mirror of what is served, at the next site."""
    flows = [(f"weights {y} {h}", names[0], y, h) for y in periods for h in hours]
    sinks = [(f[0], names[1], 1.0) for f in flows]
    terms = [(f[0], s, "open", s, "", v, "", 1.5) for f in flows for s in names[2:] for v in periods if v <= f[2]]
    mirrors = [(f"mirror {s} {y} {h}", s, y, h) for s in names for y in periods for h in hours]
    following = dict(zip(names, names[1:] + names[:1], strict=True))
    at = {d: (y, h) for d, y, h in zip(*(tables["demands"][c] for c in ("demand", "period", "slice")), strict=True)}
    terms += [(f"mirror {s} {at[d][0]} {at[d][1]}", following[s], "serve", d, s, 0, "", 0.2)
              for d, s in zip(tables["assignments"]["demand"], tables["assignments"]["place"], strict=True)]
    return {
        "flows": frame("flow source period slice", *flows, *mirrors),
        "flow_sinks": frame("flow sink amount", *sinks),
        "flow_terms": frame("flow sink variable place item period slice coefficient", *terms),
        "arc_costs": frame("link period objective basis", *(
            ("-".join(p), y, float(draw.uniform(0, 0.2)), str(draw.choice(["both", "busier"])))
            for p in pairs for y in periods)),
    }


def _paths(draw, names, pairs, periods, hours, tables):
    """r0 reaches the first two sites over the internet, or entering at the third over a lit link."""
    ways, hops = [], []
    for s in names[:2]:
        ways.append((f"r0>{s}", "r0", s, 120.0))
        link = "-".join(sorted((s, names[2])))
        if tuple(sorted((s, names[2]))) in pairs:
            ways.append((f"r0>{names[2]}>{s}", "r0", s, 40.0))
            hops.append((f"r0>{names[2]}>{s}", link, s))
    demands = [d for d in tables["demands"]["demand"] if d.startswith("r0")]
    return {
        "paths": frame("path from to rtt", *ways), "path_links": frame("path link toward", *hops),
        "assignment_paths": frame("demand place path load load_back", *(
            (d, w[2], w[0], 0.2, 0.8) for d in demands for w in ways)),
    }


def _needs(draw, names, pairs, periods, hours, tables):
    """`slow` takes prompts, made on a chip of its own at the first two sites, and sent to neighbours over one link."""
    ways = [(f"{a}>{b} kv", a, b, 10.0) for x, y in pairs for a, b in ((x, y), (y, x)) if a in names[:2]]
    old = {name: tables.get(name) for name in ("paths", "path_links")}
    hops = [(w[0], "-".join(sorted(w[1:3])), w[2]) for w in ways]
    new = {"paths": frame("path from to rtt", *ways), "path_links": frame("path link toward", *hops)}
    more = frame("activity asset commodity output_per_unit slack", ("prefill", "b", "prompt", 1.0, 0.0))
    cells = tables["asset_cells"]
    return {
        "assets": frame("asset integer", ("g", True), ("b", True)),
        "asset_cells": pd.concat([cells, cells[cells["place"].isin(names[:2])].assign(asset="b")]),
        **{name: table if old[name] is None else pd.concat([old[name], table]) for name, table in new.items()},
        "activities": pd.concat([tables["activities"], more]),
        "needs": frame("activity commodity amount", ("slow", "prompt", 0.3)),
        "shipments": frame("commodity path load", *(("prompt", w[0], 2.0) for w in ways)),
    }


def _hoses(draw, names, pairs, periods, hours, tables):
    return {"hoses": frame("place period slice out into", *(
        (s, y, hours[0], float(draw.uniform(0.5, 2)), float(draw.uniform(0.5, 2))) for s in names[:3]
        for y in periods))}
