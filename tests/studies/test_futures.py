"""A scenario with several futures: from the file to a plan for each, by least regret, in order and as a frontier."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from capacity.catalogue import load_catalogue
from capacity.errors import InfeasibleError, InputError
from capacity.problem import build_problem
from capacity.scenario import load_scenario, resolved
from capacity.scenario.futures import Futures
from capacity.scenario.goal import Goal
from capacity.solving import Options, solve
from capacity.studies.futures import goals_frontier, plan_futures
from capacity.studies.risk import FutureSpec, RiskSpec, compile_futures, weigh
from tests.studies.world import TEXT, write_world
from tests.support.random_scenarios import FEATURES as OPTIONS
from tests.support.random_scenarios import GOALS, MAY_FAIL, random_scenario
from tests.support.scenarios import round_catalogue

EXACT = Options(gap=0.0, threads=1)
GOAL = "goal: {kind: least_regret, shortage_price: $0.03/hour}"
FUTURES = """
futures:
  reveal: 2028
  lead: 0
  of:
    calm: {weight: 3, set: {demand.amount: x0.4}}
    boom: {set: {demand.amount: x1.6, accelerators.h200-sxm.price: x1.3}}
"""


def text(goal=GOAL, futures=FUTURES):
    said = TEXT.replace("goal: {kind: least_cost, shortage_price: $50/hour}", goal + futures)
    return said.replace(", capex_budget: {2027: $900 million}", "")


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return write_world(tmp_path_factory.mktemp("futures"), text())


@pytest.fixture(scope="module")
def found(source):
    return plan_futures(source, (), EXACT)


def test_regret_is_of_the_worst_future(found):
    table = found.by_future.set_index("future")
    assert table["weight"].to_dict() == {"calm": 0.75, "boom": 0.25}
    assert found.stages[0].goal == "regret"
    assert found.stages[0].objective == pytest.approx(table["regret_musd"].max())
    assert found.stages[1].objective == pytest.approx(float(table["weight"] @ table["cost_musd"]))
    assert (table["regret_at_most_musd"] >= table["regret_musd"] - 1e-6).all()
    assert table["regret_musd"].min() >= -1e-4


def test_the_least_of_each_future_is_what_it_costs_planned_alone(found):
    """Each future's plan keeps its scenario, which anyone may solve."""
    for name, plan in found.plans.items():
        alone = solve(build_problem(plan.scenario, load_catalogue(plan.scenario.catalogue)), EXACT)
        best = found.by_future.set_index("future").loc[name, "best_musd"]
        assert alone.stages[-1].objective == pytest.approx(best, rel=1e-6)
        assert float(plan.stages["objective"].iloc[-1]) >= best - 1e-4


def test_plans_agree_until_the_futures_part(found):
    calm, boom = (plan.values for plan in found.plans.values())
    for name, year in (("open", "period"), ("built", "period"), ("bought", "vintage")):
        one, other = (v[name][v[name][year] == 2027].reset_index(drop=True) for v in (calm, boom))
        assert one.equals(other)
        assert len(one) == len(found.commitments[found.commitments["decision"] == name])


def test_the_risk_study_finds_the_same_regret(found, source, tmp_path):
    plain = write_world(tmp_path, text("goal: {kind: least_cost, shortage_price: $0.03/hour}", ""))
    spec = RiskSpec(scenario=plain, reveal=2028, lead=0, gap=0.0, futures=[
        FutureSpec(name="calm", weight=3, set={"demand.amount": "x0.4"}),
        FutureSpec(name="boom", weight=1, set={"demand.amount": "x1.6", "accelerators.h200-sxm.price": "x1.3"})])
    assert weigh(compile_futures(spec), "regret").worst_regret == pytest.approx(found.stages[0].objective, abs=1e-4)


def test_a_sequence_may_weigh_cost_first_and_give_some_of_it_up(found, tmp_path):
    """Expected cost first has more regret; with all of the difference given up it is least regret again."""
    steps = "goal: {shortage_price: $0.03/hour, sequence: [{goal: cost_and_shortage, give_up: %s}, {goal: regret}]}"
    cheap = plan_futures(write_world(tmp_path / "cheap", text(steps % "0 %")), (), EXACT)
    assert cheap.stages[0].objective < found.stages[1].objective - 1
    assert cheap.stages[1].objective > found.stages[0].objective + 1
    share = found.stages[1].objective / cheap.stages[0].objective - 1
    calm = plan_futures(write_world(tmp_path / "calm", text(steps % f"{share + 1e-6:.8f}")), (), EXACT)
    assert calm.stages[1].objective == pytest.approx(found.stages[0].objective, rel=1e-5)


def test_the_frontier_runs_from_least_regret_to_least_cost(found, source):
    traded = goals_frontier(source, ["regret", "cost_and_shortage"], (), EXACT, 5)
    points = traded.points
    assert points["regret"].iloc[0] == pytest.approx(found.stages[0].objective, abs=1e-4)
    assert points["cost_and_shortage"].iloc[0] == pytest.approx(found.stages[1].objective, rel=1e-6)
    assert len(points) >= 2
    assert points["regret"].is_monotonic_increasing
    assert points["cost_and_shortage"].is_monotonic_decreasing


def test_goals_of_one_future_are_traded_too(tmp_path):
    plain = write_world(tmp_path, text("goal: {kind: least_cost, shortage_price: $0.03/hour}", ""))
    points = goals_frontier(plain, ["carbon", "cost_and_shortage"], (), Options(gap=0.001, threads=1), 4).points
    assert len(points) >= 3
    assert points["carbon"].iloc[0] == pytest.approx(0.0, abs=1e-6)  # nothing runs
    assert points["cost_and_shortage"].is_monotonic_decreasing


@pytest.mark.parametrize(("goal", "futures", "said"), [
    (GOAL, "", "asks for least regret, which is over several futures"),
    ("goal: {sequence: [{goal: cost}, {goal: regret}]}", "", "goal.sequence.1.goal"),
    (GOAL, FUTURES.replace("weight: 3, ", "weight: 3, branch: {demand: up}, "), "unknown thing revealed `demand`"),
    (GOAL, FUTURES.replace("demand.amount: x0.4", "goal.kind: least_cost"), "asked for of all futures alike"),
    (GOAL, FUTURES.replace("calm", "calm/er"), "leave slashes out"),
])
def test_what_does_not_go_together_is_told(tmp_path, goal, futures, said):
    with pytest.raises(InputError, match=said):
        load_scenario(write_world(tmp_path, text(goal, futures)))


def test_a_wrong_key_names_its_future(tmp_path):
    wrong = FUTURES.replace("accelerators.h200-sxm.price", "accelerators.h300.price")
    path = write_world(tmp_path, text(futures=wrong))
    with pytest.raises(InputError, match=r"future boom: accelerators.h300.price: `h300` is not in the scenario"):
        plan_futures(path)


def test_one_problem_is_not_made_of_several_futures(source):
    scenario = load_scenario(source)
    with pytest.raises(InputError, match="several futures, and a planning problem is of one"):
        build_problem(scenario, load_catalogue(scenario.catalogue))


@pytest.mark.parametrize(("goals", "said"), [
    ("regret,cost", "names no `futures`"), ("carbon,costs", "did you mean `cost`"), ("cost", "give two goals"),
])
def test_goals_that_cannot_be_traded_are_told(tmp_path, goals, said):
    plain = write_world(tmp_path, text("goal: {kind: least_cost}", ""))
    with pytest.raises(InputError, match=said):
        goals_frontier(plain, goals.split(","))


SETTINGS = {"deadline": None, "derandomize": True, "suppress_health_check": list(HealthCheck)}
SUBSETS = st.sets(st.sampled_from(sorted(set(OPTIONS) - set(GOALS))), max_size=5)


def least_regret_of(folder, seed, features):
    """The plans of least regret of a random scenario whose demand is less or more; each is audited on the way."""
    tables = folder / "tables"
    tables.mkdir()
    round_catalogue(tables)
    asked = random_scenario(seed, features).model_copy(update={
        "catalogue": [str(tables)], "goal": Goal(kind="least_regret", shortage_price=0.02),
        "futures": Futures.model_validate({"reveal": 2028, "lead": 0, "of": {
            "less": {"weight": 2, "set": {"demand.amount": "x0.5"}}, "more": {"set": {"demand.amount": "x1.5"}}}})})
    path = folder / "asked.yaml"
    path.write_text(resolved(asked), encoding="utf-8")
    try:
        return plan_futures(str(path), (), Options(gap=0.02, time_limit=60, threads=1))
    except InfeasibleError:
        assert features & MAY_FAIL
        return None


@pytest.mark.parametrize("features", [{"resale", "rent", "carbon and water"}])
def test_options_go_with_futures(tmp_path, features):
    found = least_regret_of(tmp_path, 3, features)
    assert found.stages[0].objective == pytest.approx(found.by_future["regret_musd"].max(), abs=1e-4)


@pytest.mark.long
@settings(max_examples=12, **SETTINGS)
@given(seed=st.integers(0, 10_000), features=SUBSETS)
def test_any_options_go_with_futures(tmp_path_factory, seed, features):
    least_regret_of(tmp_path_factory.mktemp("random"), seed, features)
