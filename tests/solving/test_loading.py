"""Network loading without flows: rows hold for every plan, refused choices stay refused, optima are the plain ones."""

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import Bounds, LinearConstraint, milp

from capacity.errors import InfeasibleError
from capacity.formulation import build_model
from capacity.problem import Problem
from capacity.solving import Options, solve
from capacity.solving.compile import compile_model
from capacity.solving.loading import Router, loading_of
from capacity.solving.loading_rows import Rows, rounded
from capacity.solving.reach import within_reach


@pytest.fixture(autouse=True)
def any_number_of_modules(monkeypatch):
    """The search holds for any number of modules a link; by itself it takes those that are lit once or not."""
    monkeypatch.setattr("capacity.solving.loading.MOST_LIT", 9.0)


def loading_problem(seed, places=6, mode="shared", most=9.0, routing=0.0, sizes=(5.0,)):
    """A connected network of links on offer in whole modules, some standing, and traffic between random pairs."""
    rng = np.random.default_rng(seed)
    names = [f"p{i}" for i in range(places)]
    pairs = [(i, int(rng.integers(i))) for i in range(1, places)]
    pairs += [tuple(rng.choice(places, 2, replace=False)) for _ in range(places)]
    links = pd.DataFrame({
        "link": [f"l{i}" for i in range(len(pairs))], "from": [names[a] for a, _ in pairs],
        "to": [names[b] for _, b in pairs], "existing": rng.choice([0.0, 0.0, 2.0], len(pairs)), "mode": mode,
    })
    price = rng.integers(5, 30, len(pairs)).astype(float)
    modules = pd.concat([
        pd.DataFrame({"link": links["link"], "module": f"of {size:g}", "period": 1, "capacity": size, "max": most,
                      "integer": True, "objective": price * size / 5.0}) for size in sizes
    ])
    ends = pd.DataFrame([rng.choice(places, 2, replace=False) for _ in range(places + 2)], columns=["a", "b"])
    sinks = pd.DataFrame({
        "flow": [names[a] for a in ends["a"]], "sink": [names[b] for b in ends["b"]],
        "amount": rng.integers(1, 9, len(ends)).astype(float),
    }).groupby(["flow", "sink"], as_index=False).sum()
    return Problem.of({
        "periods": pd.DataFrame({"period": [1]}), "slices": pd.DataFrame({"slice": ["all"], "hours": [1.0]}),
        "places": pd.DataFrame({"place": names, "kind": "site"}), "links": links, "modules": modules,
        "flows": pd.DataFrame({"flow": sinks["flow"].unique(), "source": sinks["flow"].unique(), "period": 1,
                               "slice": "all"}),
        "flow_sinks": sinks, "goals": pd.DataFrame({"order": [1], "goal": ["cost"]}),
        "arc_costs": links[["link"]].assign(period=1, objective=routing),
    })


def formed(problem):
    form = within_reach(compile_model(build_model(problem)))
    return form, loading_of(problem, form, form.cost["cost"])


def plain_optimum(form, cost):
    return milp(
        cost, integrality=form.integer.astype(int), bounds=Bounds(form.lower, form.upper),
        constraints=[LinearConstraint(form.matrix, form.row_lower, form.row_upper)], options={"mip_rel_gap": 0.0},
    )


@pytest.mark.parametrize("mode", ["shared", "each_way"])
@pytest.mark.parametrize("seed", range(4))
def test_the_optimum_is_that_of_the_whole_program(seed, mode):
    problem = loading_problem(seed, mode=mode)
    form, loading = formed(problem)
    assert loading is not None
    stage = solve(problem, Options(gap=0.0, threads=1)).stages[-1]
    best = plain_optimum(form, form.cost["cost"]).fun
    assert stage.status == "optimal"
    assert (stage.objective, stage.bound) == (pytest.approx(best), pytest.approx(best))


@pytest.mark.parametrize("seed", range(4))
def test_links_lit_once_or_not(seed):
    """With one module a link some of these cannot carry their traffic; ours says so where plain HiGHS does."""
    problem = loading_problem(seed, most=1.0, mode="each_way")
    form, _ = formed(problem)
    found = plain_optimum(form, form.cost["cost"])
    if found.status == 2:
        with pytest.raises(InfeasibleError):
            solve(problem, Options(gap=0.0, threads=1))
    else:
        assert solve(problem, Options(gap=0.0, threads=1)).stages[-1].objective == pytest.approx(found.fun)


@pytest.mark.parametrize("seed", range(6))
def test_rows_refuse_the_choice_and_no_plan(seed):
    """Every row found at a choice that lacks room is broken there or above it, and by no plan best for other prices."""
    form, loading = formed(loading_problem(seed))
    rows = Rows(loading, Router(loading.network))
    rng = np.random.default_rng(seed)
    plans = [plain_optimum(form, form.cost["cost"] * rng.uniform(0.2, 3, form.columns)).x for _ in range(6)]
    choice = np.floor(np.round(plans[0][loading.columns]) * 0.6)
    assert rows.router.lacks(loading.lit(choice))[0] > 0
    assert rows.refuse(choice, 3) > 0
    assert any(cut.coefficients @ choice[cut.columns] < cut.lower - 1e-6 for cut in rows.cuts)
    for plan in plans:
        x = np.round(plan[loading.columns])
        assert rows.router.lacks(loading.lit(x))[0] == 0
        assert all(cut.coefficients @ x[cut.columns] >= cut.lower - 1e-6 for cut in rows.cuts)


@pytest.mark.parametrize("seed", range(6))
def test_a_largest_choice_still_lacks_room_and_one_more_of_anything_does_not(seed):
    _, loading = formed(loading_problem(seed, most=4.0))
    rows = Rows(loading, Router(loading.network))
    above, multiplier = rows.largest(np.zeros(len(loading.cost)), np.arange(len(loading.cost)))
    assert multiplier.any()
    assert rows.router.lacks(loading.lit(above))[0] > 0
    for at in np.flatnonzero(above < loading.upper):
        more = above.copy()
        more[at] += 1
        assert rows.router.lacks(loading.lit(more))[0] == 0


@pytest.mark.parametrize("seed", range(20))
def test_rounded_rows_hold_for_every_whole_point(seed):
    """Against all points of a box: what the row is rounded from implies it."""
    rng = np.random.default_rng(seed)
    a, upper = rng.uniform(0.2, 3.0, 4).round(1), rng.integers(1, 4, 4).astype(float)
    b = float(rng.uniform(0.3, 0.8) * (a @ upper))
    points = np.stack(np.meshgrid(*[np.arange(u + 1) for u in upper], indexing="ij"), axis=-1).reshape(-1, 4)
    plans = points[points @ a >= b - 1e-9]
    for x in rng.uniform(0, 1, (10, 4)) * upper:
        cut = rounded(a, b, x, upper, rng)
        if cut is not None:
            assert cut.coefficients @ x[cut.columns] < cut.lower
            assert (plans[:, cut.columns] @ cut.coefficients >= cut.lower - 1e-6).all()


@pytest.mark.parametrize("given", [
    {"routing": 0.5}, {"sizes": (5.0, 20.0)},
])
def test_what_is_no_loading(given):
    """Traffic that costs something, or modules of several sizes, is searched the usual way."""
    assert formed(loading_problem(1, **given))[1] is None


def test_links_lit_many_times_are_searched_with_their_flows(monkeypatch):
    monkeypatch.setattr("capacity.solving.loading.MOST_LIT", 1.0)
    assert formed(loading_problem(1, most=1.0))[1] is not None
    assert formed(loading_problem(1, most=2.0))[1] is None
