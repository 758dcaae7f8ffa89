"""The least cost with shortage of a tiny problem, from its tables alone: whole choices counted out, a small linear
program by SciPy for the rest. Nothing of `capacity.formulation` or `capacity.solving` is in it, so they can be wrong.

Knows what `tiny_problem` may hold: openings, blocks, vintages, old stock, upkeep, rent, shares, links, single sources,
limits on what is bought. Costs must not be negative: choices are tried from the cheapest on, until the next is dearer
by itself than the best answer.
"""

import itertools
import math
from collections import defaultdict

import numpy as np
from scipy.optimize import linprog

MOST = 500_000
SOURCES = ("sources", "")


def least_cost(problem):
    """The optimum of cost_and_shortage, and how many linear programs it took."""
    t = {name: problem.table(name).to_dict("records") for name in problem.tables}
    whole = _whole(t)
    best, tried = math.inf, 0
    for fixed, choice in sorted(_choices(t, whole), key=lambda pair: pair[0]):
        if fixed >= best:
            break
        tried += 1
        best = min(best, fixed + rest(t, choice))
    return best, tried


def choices(t):
    """(cost, {(variable, key): count}) of every choice of whole numbers that keeps the rules among them."""
    return _choices(t, _whole(t))


def _whole(t):
    """[(variable, key, most, cost)] of all that is counted in whole units."""
    out = [("open", (r["place"], r["period"]), 1, r["objective"]) for r in t["openings"]]
    out += [("built", (r["place"], r["block"], r["period"]), min(r["max"], r["max_total"]), r["objective"])
            for r in t["block_cells"]]
    out += [("bought", (r["place"], r["asset"], r["vintage"]), r["max"], r["objective"]) for r in t["asset_cells"]]
    out += [("modules", (r["link"], r["module"], r["period"]), r["max"], r["objective"]) for r in t["modules"]]
    return out


def _choices(t, whole):
    """(cost, {(variable, key): count}) of every choice that keeps the rules among whole units."""
    count = math.prod(int(most) + 1 for _, _, most, _ in whole)
    assert count <= MOST, f"{count} choices are too many to count out"
    single = [r["demand"] for r in t["demands"] if r["single_source"]]
    sources = [[None, *(a["place"] for a in t["assignments"] if a["demand"] == d)] for d in single]
    for counts in itertools.product(*(range(int(most) + 1) for _, _, most, _ in whole)):
        choice = {(name, key): n for (name, key, _, _), n in zip(whole, counts, strict=True)}
        if _allowed(t, choice):
            cost = sum(n * price for n, (_, _, _, price) in zip(counts, whole, strict=True))
            for chosen in itertools.product(*sources):
                yield cost, {**choice, SOURCES: dict(zip(single, chosen, strict=True))}


def _opened(t, choice, place, year):
    if place not in {r["place"] for r in t["openings"]}:
        return 1
    return sum(n for (name, key), n in choice.items() if name == "open" and key[0] == place and key[1] <= year)


def _standing(t, choice, block, year):
    new = sum(choice["built", (c["place"], c["block"], c["period"])] for c in t["block_cells"]
              if (c["place"], c["block"]) == (block["place"], block["block"])
              and c["period"] <= year < c["period"] + block["life"])
    return block["existing"] + new


def _allowed(t, choice):
    years = [r["period"] for r in t["periods"]]
    must = {r["place"] for r in t["openings"]}
    for p in must:
        if _opened(t, choice, p, years[-1]) > 1:
            return False
        own = [b for b in t["blocks"] if b["place"] == p]
        for y in years:
            ever = sum(b["existing"] for b in own) + sum(
                n for (name, key), n in choice.items() if name == "built" and key[0] == p and key[2] <= y)
            if own and _opened(t, choice, p, y) > ever:
                return False
    for (name, key), n in choice.items():
        if n and name in ("built", "bought") and key[0] in must and not _opened(t, choice, key[0], key[2]):
            return False
    for c in t["block_cells"]:
        block = next(b for b in t["blocks"] if (b["place"], b["block"]) == (c["place"], c["block"]))
        if _standing(t, choice, block, c["period"]) > c["max_total"]:
            return False
    for limit in t["limits"]:
        used = sum(r["coefficient"] * choice[r["variable"], (r["place"], r["item"], r["period"])]
                   for r in t["limit_terms"] if r["limit"] == limit["limit"])
        assert limit["sense"] == "<="
        if used > limit["rhs"] + 1e-9:
            return False
    return True


class Rows:
    """A linear program put together one term at a time."""

    def __init__(self):
        self.columns, self.cost, self.most = {}, [], []
        self.below, self.exact = [], []

    def column(self, *key, cost=0.0, most=None):
        self.columns[key] = len(self.cost)
        self.cost.append(cost)
        self.most.append(most)

    def matrix(self, rows):
        out, sides = np.zeros((len(rows), len(self.cost))), np.zeros(len(rows))
        for i, (terms, side) in enumerate(rows):
            sides[i] = side
            for key, coefficient in terms:
                out[i, self.columns[key]] += coefficient
        return (out, sides) if rows else (None, None)

    def least(self):
        answer = linprog(self.cost, *self.matrix(self.below), *self.matrix(self.exact),
                         bounds=[(0, most) for most in self.most], method="highs")
        assert answer.status in (0, 2), answer.message
        return float(answer.fun) if answer.status == 0 else math.inf


def rest(t, choice):
    """Least cost of all that is not counted in whole units; infinite where it cannot be done."""
    lp = Rows()
    alive = _stock(lp, t, choice)
    _running(lp, t, alive)
    _service(lp, t, choice)
    _links(lp, t, choice)
    return lp.least()


def _stock(lp, t, choice):
    """Vintages that shrink, their upkeep, the power they take; {(place, asset, period): [(column, unit size)]}"""
    years = [r["period"] for r in t["periods"]]
    upkeep = {(r["place"], r["asset"], r["period"]): r["objective"] for r in t["upkeep"]}
    size = {r["asset"]: r["unit_size"] for r in t["assets"]}
    starts = {(r["place"], r["asset"], r["vintage"]): [0.0, r["life"], True] for r in t["asset_cells"]}
    for r in t["committed"]:
        starts.setdefault((r["place"], r["asset"], r["vintage"]), [0.0, r["life"], False])[0] += r["count"]
    alive = defaultdict(list)
    for (p, k, v), (count, life, sold) in starts.items():
        before = None
        for y in (y for y in years if v <= y < v + life):
            key = ("alive", p, k, v, y)
            lp.column(*key, cost=upkeep.get((p, k, y), 0.0))
            alive[p, k, y].append((key, size[k]))
            if before is None:
                there = count + choice.get(("bought", (p, k, v)), 0)
                (lp.exact if sold else lp.below).append(([(key, 1.0)], there))
            else:
                lp.below.append(([(key, 1.0), (before, -1.0)], 0.0))
            before = key
    for b in t["blocks"]:
        others = [x for x in t["blocks"] if (x["place"], x["resource"]) == (b["place"], b["resource"])]
        for y in years:
            room = sum(x["capacity"] * _standing(t, choice, x, y) for x in others)
            terms = [(key, u["amount"]) for u in t["asset_uses"] if u["resource"] == b["resource"]
                     for key, _ in alive[b["place"], u["asset"], y]]
            lp.below.append((terms, room))
    return alive


def _running(lp, t, alive):
    """Use within stock and rent, and what running costs."""
    for r in t["rentals"]:
        lp.column("rent", r["place"], r["asset"], r["period"], cost=r["objective"], most=r["max"])
    hours = {r["slice"]: r["hours"] for r in t["slices"]}
    cost = {(r["place"], r["activity"], r["period"]): r["objective"] for r in t["activity_costs"]}
    for p, k, y in {*alive, *(key[1:] for key in lp.columns if key[0] == "rent")}:
        for h, length in hours.items():
            terms = [(key, -unit) for key, unit in alive[p, k, y]]
            terms += [(key, -1.0) for key in lp.columns if key == ("rent", p, k, y)]
            for a in (a for a in t["activities"] if a["asset"] == k):
                lp.column("use", p, a["activity"], y, h,
                          cost=cost.get((p, a["activity"], y), 0.0) * length / sum(hours.values()))
                terms.append((("use", p, a["activity"], y, h), 1.0))
            lp.below.append((terms, 0.0))


def _service(lp, t, choice):
    """Who is served from where, within latency and shares; who is short."""
    for d in t["demands"]:
        name, own = d["demand"], [a for a in t["assignments"] if a["demand"] == d["demand"]]
        lp.column("short", name, cost=d["shortage_price"], most=0.0 if d["must_serve"] else None)
        for a in own:
            most = d["amount"] * _opened(t, choice, a["place"], d["period"])
            lp.column("serve", name, a["place"], cost=a["unit_cost"], most=most)
            if d["single_source"]:
                chosen = choice[SOURCES][name] == a["place"]
                lp.exact.append(([(("serve", name, a["place"]), 1.0)], d["amount"] * chosen))
        lp.exact.append(([(("short", name), 1.0), *((("serve", name, a["place"]), 1.0) for a in own)], d["amount"]))
    made = defaultdict(list)
    for key in [key for key in lp.columns if key[0] == "use"]:
        about = next(a for a in t["activities"] if a["activity"] == key[2])
        made[about["commodity"], key[3], key[4]].append((key, about))
    asked = defaultdict(list)
    for d in t["demands"]:
        for a in (a for a in t["assignments"] if a["demand"] == d["demand"]):
            asked[d["commodity"], d["period"], d["slice"]].append((("serve", d["demand"], a["place"]), a["rtt"]))
    for moment, serves in asked.items():
        for p in {key[2] for key, _ in serves}:
            for trip in {rtt for key, rtt in serves if key[2] == p}:
                far = [(key, 1.0) for key, rtt in serves if key[2] == p and rtt >= trip]
                fast = [(key, -a["output_per_unit"]) for key, a in made[moment] if key[1] == p and a["slack"] >= trip]
                lp.below.append(([*far, *fast], 0.0))
        for s in (s for s in t["shares"] if s["commodity"] == moment[0]):
            some = [(key, a["output_per_unit"]) for key, a in made[moment] if a["group"] == s["group"]]
            lp.below.append(([*some, *((key, -s["max_share"]) for key, _ in serves)], 0.0))


def _links(lp, t, choice):
    """Lit modules carry what is served and what is open."""
    for e in t["links"]:
        for y in (r["period"] for r in t["periods"]):
            lit = e["existing"] + sum(m["capacity"] * choice["modules", (m["link"], m["module"], m["period"])]
                                      for m in t["modules"] if m["link"] == e["link"]
                                      and m["period"] <= y < m["period"] + m["life"])
            held = sum(r["load"] * _opened(t, choice, r["place"], y) for r in t["open_loads"]
                       if (r["link"], r["period"]) == (e["link"], y))
            for h in (r["slice"] for r in t["slices"]):
                now = {d["demand"] for d in t["demands"] if (d["period"], d["slice"]) == (y, h)}
                terms = [(("serve", r["demand"], r["place"]), r["load"]) for r in t["serve_loads"]
                         if r["link"] == e["link"] and r["demand"] in now]
                lp.below.append((terms, lit - held))
