"""Rows added to networks: they hold for every whole-number plan, and they raise the bound."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import Bounds, LinearConstraint, milp

from capacity.formulation import build_model
from capacity.problem import Problem
from capacity.solving.bound import lagrangian_bound
from capacity.solving.compile import compile_model
from capacity.solving.cutsets import alike, cut_sets, first_sets, promising
from capacity.solving.dicuts import dicuts
from capacity.solving.highs import Deadline
from capacity.solving.neighbourhoods import around_places
from capacity.solving.networks import networks
from capacity.solving.separation import RULE, strengthened, without_cuts
from tests.support.tiny_problem import tiny_problem


def network(seed, places=5):
    """A random connected network: links of every mode, two sizes of modules, one not whole, some capacity standing."""
    rng = np.random.default_rng(seed)
    names = [f"p{i}" for i in range(places)]
    pairs = [(i, rng.integers(i)) for i in range(1, places)]
    pairs += [tuple(rng.choice(places, 2, replace=False)) for _ in range(places)]
    mode = rng.choice(["shared", "each_way", "one_way"], len(pairs), p=[0.5, 0.3, 0.2])
    mode[: places - 1] = rng.choice(["shared", "each_way"])
    links = pd.DataFrame({
        "link": [f"l{i}" for i in range(len(pairs))], "from": [names[a] for a, _ in pairs],
        "to": [names[b] for _, b in pairs], "existing": rng.choice([0, 0, 3], len(pairs)).astype(float), "mode": mode,
    })
    price = rng.integers(5, 30, len(pairs)).astype(float)
    modules = pd.concat([
        pd.DataFrame({"link": links["link"], "module": size, "period": 1, "capacity": capacity, "max": 9.0,
                      "integer": size != "part", "objective": price * factor})
        for size, capacity, factor in (("small", 4.0, 1.0), ("large", 15.0, 2.5), ("part", 1.0, 0.6))
    ])
    ends = pd.DataFrame([rng.choice(places, 2, replace=False) for _ in range(places + 1)], columns=["a", "b"])
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
        "arc_costs": links[["link"]].assign(period=1, objective=rng.choice([0.0, 0.5], len(links))),
    })


def optimum(form, cost, whole=True):
    found = milp(
        cost, integrality=form.integer.astype(int) * whole, bounds=Bounds(form.lower, form.upper),
        constraints=[LinearConstraint(form.matrix, form.row_lower, form.row_upper)], options={"mip_rel_gap": 0.0},
    )
    assert found.status == 0, found.message
    return found.fun


@pytest.mark.parametrize("seed", range(8))
def test_the_optimum_stays_and_the_bound_rises(seed):
    problem = network(seed)
    form = compile_model(build_model(problem))
    strong, _ = strengthened(problem, form, Deadline(), 1)
    cost = form.cost["cost"]
    assert optimum(strong, cost) == pytest.approx(optimum(form, cost))
    assert optimum(strong, cost, whole=False) > optimum(form, cost, whole=False) + 1e-6


@pytest.mark.parametrize("seed", range(8))
def test_the_relaxation_left_behind_is_that_of_the_program_with_its_rows(seed):
    problem = network(seed)
    form = compile_model(build_model(problem))
    strong, relaxed = strengthened(problem, form, Deadline(), 1)
    cost, value = strong.cost["cost"], optimum(strong, strong.cost["cost"], whole=False)
    assert len(relaxed.dual) == strong.matrix.shape[0]
    assert (float(cost @ relaxed.point), relaxed.objective) == (pytest.approx(value), pytest.approx(value))
    assert lagrangian_bound(strong, cost, relaxed.dual) == pytest.approx(value)


@pytest.mark.parametrize("seed", range(8))
def test_every_plan_obeys_the_rows(seed):
    """Plans that are best for other prices obey the rows found for the cost."""
    problem = network(seed)
    form = compile_model(build_model(problem))
    strong, _ = strengthened(problem, form, Deadline(), 1)
    rng = np.random.default_rng(seed)
    for _ in range(4):
        cost = np.where(form.integer, rng.random(form.columns), 0.01 * rng.random(form.columns))
        assert optimum(strong, cost) == pytest.approx(optimum(form, cost))


def test_a_set_of_places_by_hand():
    """9 must leave the first place over modules of 4: 9/4 in parts, 3 in whole ones."""
    problem = network(0, places=2)
    tables = {name: problem.table(name) for name in ("periods", "slices", "places", "links", "modules", "flows",
                                                     "flow_sinks", "goals")}
    tables["links"] = tables["links"][:1].assign(mode="shared", existing=0.0)
    modules = tables["modules"]
    tables["modules"] = modules[(modules["module"] == "small") & (modules["link"] == "l0")]
    tables["flows"] = pd.DataFrame({"flow": ["f"], "source": ["p0"], "period": [1], "slice": ["all"]})
    tables["flow_sinks"] = pd.DataFrame({"flow": ["f"], "sink": ["p1"], "amount": [9.0]})
    form = compile_model(build_model(Problem.of(tables)))
    (net,) = networks(Problem.of(tables), form)
    x = np.where(form.integer, 9 / 4, 0.0)
    cuts = cut_sets(net, first_sets(net, np.random.default_rng(0)), x)
    assert cuts
    assert all((c.coefficients.tolist(), c.lower) == ([1.0], pytest.approx(3.0)) for c in cuts)


def test_a_place_receives_over_every_border():
    """Of 9 from p0, 4 go to p1 and 5 on to p2: 0.1 of a module of 90 carries the 9, but the 4 need a whole one."""
    problem = Problem.of({
        "periods": pd.DataFrame({"period": [1]}), "slices": pd.DataFrame({"slice": ["all"], "hours": [1.0]}),
        "places": pd.DataFrame({"place": ["p0", "p1", "p2"], "kind": "site"}),
        "links": pd.DataFrame({"link": ["a", "b"], "from": ["p0", "p1"], "to": ["p1", "p2"]}),
        "modules": pd.DataFrame({"link": ["a", "b"], "module": "m", "period": 1, "capacity": 90.0, "objective": 1.0}),
        "flows": pd.DataFrame({"flow": ["f"], "source": ["p0"], "period": [1], "slice": ["all"]}),
        "flow_sinks": pd.DataFrame({"flow": ["f", "f"], "sink": ["p1", "p2"], "amount": [4.0, 5.0]}),
        "goals": pd.DataFrame({"order": [1], "goal": ["cost"]}),
    })
    form = compile_model(build_model(problem))
    (net,) = networks(problem, form)
    x = np.zeros(form.columns)
    x[net.arc_column[net.arc_toward > net.arc_back]] = [9.0, 5.0]
    x[net.supplier_column] = 0.5
    cuts = dicuts(net, x, 0)
    assert cuts
    for cut in cuts:
        x[net.supplier_column] = 1.0
        assert float(cut.coefficients @ x[cut.columns]) >= cut.lower - 1e-9


def test_sets_of_larger_networks_are_searched_for():
    problem = network(3, places=16)
    form = compile_model(build_model(problem))
    (net,) = networks(problem, form)
    first = first_sets(net, np.random.default_rng(0))
    x = np.zeros(form.columns)
    found = promising(net, first, x)
    assert len(found) > 0
    assert not found[:, 0].any()
    assert len(alike(np.vstack([found, ~found]))) == len(alike(found))


def test_without_a_network_nothing_is_added():
    form = compile_model(build_model(tiny_problem(0)))
    same, relaxed = strengthened(tiny_problem(0), form, Deadline(), 1)
    assert same is form
    assert relaxed is None


def test_the_rows_can_be_taken_off():
    problem = network(1)
    form = compile_model(build_model(problem))
    strong, _ = strengthened(problem, form, Deadline(), 1)
    assert any(name.startswith(RULE) for name in strong.row_names)
    bare = without_cuts(strong)
    assert list(bare.row_names) == list(form.row_names)
    assert (bare.matrix != form.matrix).nnz == 0
    assert replace(bare, matrix=form.matrix).row_upper.tolist() == form.row_upper.tolist()


def test_neighbourhoods_of_places_free_their_own_modules():
    problem = network(2)
    form = compile_model(build_model(problem))
    nets = networks(problem, form)
    turns = around_places(form, nets, np.random.default_rng(0))
    frees = [next(turns)[0] for _ in range(nets[0].places)]
    modules = np.zeros(form.columns, dtype=bool)
    modules[nets[0].supplier_column] = True
    assert all(free.any() and not free[~modules].any() and (free != modules).any() for free in frees)
    assert (np.any(frees, axis=0) == modules).all()
