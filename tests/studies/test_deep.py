"""Foresight, alternatives and risk on a scenario that solves in a second."""

import numpy as np
import pytest

from capacity.errors import InputError
from capacity.solving import Options
from capacity.studies.alternatives import alternatives
from capacity.studies.fixing import DECISIONS
from capacity.studies.foresight import cost_of_short_sight, foresight
from capacity.studies.risk import (
    FutureSpec,
    RiskSpec,
    compile_futures,
    conditional_value,
    option_value,
    read_risk,
    weigh,
)

EXACT = Options(gap=0.0, threads=1)
FUTURES = [FutureSpec(name="calm", weight=3, set={"demand.amount": "x0.7"}),
           FutureSpec(name="boom", weight=1, set={"demand.amount": "x1.3"})]


def test_short_sight_costs_and_full_sight_does_not(tiny):
    sights = foresight(tiny, (), (0, 1), EXACT)
    table = cost_of_short_sight(sights).set_index("foresight")
    objective = {s.name: float(s.plan.stages["objective"].iloc[0]) for s in sights}
    assert objective["1 year ahead"] == pytest.approx(objective["perfect"], rel=1e-6)  # two years: it sees all
    assert objective["myopic"] >= objective["perfect"] - 1e-6
    assert table.loc["perfect", "extra_cost_musd"] == 0
    assert table.loc["1 year ahead", "verdict"] == "same"
    worse = objective["myopic"] > objective["perfect"] * (1 + 1e-6)
    assert (table.loc["myopic", "verdict"] in ("more short", "dearer")) == worse
    alone = cost_of_short_sight(foresight(tiny, (), (0,), EXACT, perfect=False))
    assert list(alone["foresight"]) == ["myopic"]
    assert not {"extra_cost_musd", "verdict"} & set(alone.columns)
    assert alone["cost_musd"].iloc[0] == pytest.approx(table.loc["myopic", "cost_musd"])
    with pytest.raises(InputError, match="at least 0"):
        foresight(tiny, (), (-1,))


def test_alternatives_stay_within_the_slack_and_differ(tiny):
    found = alternatives(tiny, ("money.capex_budget=null",), 0.5, "sites", 2, EXACT)
    best = float(found.plans[0].stages["objective"].iloc[0])
    for plan in found.plans[1:]:
        assert float(plan.stages["objective"].iloc[0]) <= best * 1.5 * (1 + 1e-6)
    assert "hamina" in found.table["instead"].iloc[1].split(", ")  # it cannot serve in 2027, so abilene stays
    for row in found.no_regret.to_dict("records"):
        for plan in found.plans:
            keys = [k for k in plan.values[row["decision"]].columns if k != "value"]
            own = plan.values[row["decision"]]
            own = own[(own[keys[0]] == row["place"]) & (own[DECISIONS[row["decision"]]] == row["year"])]
            assert own["value"].sum() >= row["at_least"] - 1e-6
    with pytest.raises(InputError, match="allowed: sites, vendors, years"):
        alternatives(tiny, (), 0.1, "colours")


@pytest.fixture(scope="module")
def spec(tiny):
    return RiskSpec(scenario=tiny, set=["money.capex_budget=null"], reveal=2028, lead=0, futures=FUTURES, gap=0.0)


@pytest.fixture(scope="module")
def risk(spec):
    return weigh(compile_futures(spec))


def test_information_and_weighing_are_worth_something(risk, spec):
    assert risk.expected == pytest.approx(risk.bound, rel=1e-6)
    assert risk.perfect_information >= -1e-6
    assert risk.stochastic_solution >= -1e-6
    costs, weights = risk.by_future["cost_musd"].to_numpy(), risk.by_future["weight"].to_numpy()
    assert weights.tolist() == [0.75, 0.25]
    assert risk.expected == pytest.approx(float(costs @ weights))
    assert risk.wait_and_see == pytest.approx(float(risk.by_future["best_musd"] @ weights))
    assert (risk.commitments["year"] == 2027).all()
    assert len(risk.commitments)


def test_all_known_at_once_is_wait_and_see(risk, spec):
    known = weigh(compile_futures(spec.model_copy(update={"reveal": 2026})))
    assert known.expected == pytest.approx(risk.wait_and_see, rel=1e-6)
    assert known.perfect_information == pytest.approx(0.0, abs=1e-4)


def test_later_knowledge_never_helps(risk, spec):
    late = weigh(compile_futures(spec.model_copy(update={"reveal": 2029})))
    assert late.expected >= risk.expected - 1e-6


@pytest.mark.long
def test_stages_reveal_one_thing_after_the_other(tiny):
    futures = [FutureSpec(name=f"{d} {p}", weight=1, branch={"demand": d, "price": p},
                          set={"demand.amount": d, "accelerators.h200.price": p})
               for d in ("x0.7", "x1.3") for p in ("x0.8", "x1.2")]
    cost = {}
    for demand, price in ((2027, 2027), (2027, 2028), (2028, 2028)):
        spec = RiskSpec(scenario=tiny, set=["money.capex_budget=null"], lead=0, futures=futures, gap=0.0,
                        reveal={"demand": demand, "price": price})
        cost[demand, price] = weigh(compile_futures(spec)).expected
    assert cost[2027, 2027] <= cost[2027, 2028] + 1e-6 <= cost[2028, 2028] + 2e-6


def test_the_risk_averse_pay_for_their_tail(spec, risk):
    averse = weigh(compile_futures(spec.model_copy(update={"risk": 1.0, "alpha": 0.75})), "cvar")
    assert averse.cvar <= conditional_value(risk.by_future["cost_musd"].to_numpy(), np.array([0.75, 0.25]), 0.75) + 1e-6
    assert averse.expected >= risk.expected - 1e-6
    sorry = weigh(compile_futures(spec), "regret")
    assert sorry.worst_regret <= risk.worst_regret + 1e-6


def test_a_further_possibility_never_costs(spec):
    assert option_value(spec.model_copy(update={"set": [*spec.set, "sites.hamina.earliest=2028"]}),
                        ["sites.hamina.earliest=2027"]) >= -1e-6


def test_an_early_connection_is_worth_what_it_saves(spec):
    """Hamina cannot serve in 2027: without Abilene's grid nothing is served then."""
    late = spec.model_copy(update={"set": [*spec.set, "sites.abilene.earliest=2028"]})
    worth = option_value(late, ["sites.abilene.earliest=2027"])
    assert worth == pytest.approx(weigh(compile_futures(late)).expected - weigh(compile_futures(spec)).expected)
    assert worth > 0.1 * weigh(compile_futures(spec)).expected


def test_conditional_value_is_the_mean_of_the_dearest():
    assert conditional_value(np.array([1.0, 2.0, 10.0]), np.array([0.5, 0.3, 0.2]), 0.8) == pytest.approx(10.0)
    assert conditional_value(np.array([1.0, 2.0, 10.0]), np.array([0.5, 0.3, 0.2]), 0.5) == pytest.approx(
        (0.2 * 10 + 0.3 * 2) / 0.5)


def test_files_of_futures(tmp_path, tiny):
    path = tmp_path / "f.yaml"
    path.write_text(f"scenario: {tiny}\nreveal: 2028\nfutures:\n- {{name: a, weight: 1, set: {{demand.amount: x2}}}}\n")
    assert read_risk(path).futures[0].set == {"demand.amount": "x2"}
    path.write_text(f"scenario: {tiny}\nreveal: 2028\nfutures: []\n")
    with pytest.raises(InputError, match=r"f.yaml: futures"):
        read_risk(path)
    twice = RiskSpec(scenario=tiny, reveal=2028, futures=[FUTURES[0], FUTURES[0]])
    with pytest.raises(InputError, match="given twice"):
        compile_futures(twice)
