"""Power as it is drawn, as the tables it becomes: what stands idle."""

import pytest

from capacity.problem import build_problem
from tests.support.scenarios import scenario

ALONE = {"include": False}
PUE = {"abilene": 1.2, "hamina": 1.1}


def built(cat, energy, **changes):
    return build_problem(scenario(links=ALONE, energy=energy, **changes), cat)


@pytest.fixture(scope="module")
def plain(cat):
    return built(cat, {})


def test_nothing_idles_unless_asked(plain):
    assert not len(plain.table("idle_draws"))


def test_a_share_of_nameplate_stands_idle(cat, plain):
    """30 % of 2,000 W at mean PUE: 0.6 MW a pod of 1,000 before PUE. Running draws that much less on top."""
    problem = built(cat, {"idle_power": "30 %"})
    idle = problem.table("idle_draws").set_index("place")
    before = plain.table("draws").set_index(["place", "activity", "period"])["amount"]
    after = problem.table("draws").set_index(["place", "activity", "period"])["amount"]
    for site, pue in PUE.items():
        assert idle.loc[site, "per_unit"] == pytest.approx(0.6 * pue)
        assert idle.loc[site, "per_amount"] == pytest.approx(0.6 * pue)
        assert (before[site] - after[site]).tolist() == pytest.approx([0.6 * pue] * len(after[site]))


def test_overhead_that_halls_draw_anyway_is_not_counted_twice(cat):
    idle = built(cat, {"idle_power": 0.3, "overhead_fixed": "100 %"}).table("idle_draws").set_index("place")
    assert idle["per_unit"].tolist() == pytest.approx([0.6, 0.6])


def test_the_catalogue_has_a_share(cat):
    """The serving model's 30 %, a prior."""
    idle = built(cat, {"idle_power": "catalogue"}).table("idle_draws").set_index("place")
    assert idle.loc["abilene", "per_unit"] == pytest.approx(0.6 * 1.2)


def test_what_a_class_sets_aside_idles_only(cat, plain):
    """A fifth of what is in use for the class stands by: it draws its idle share and no less."""
    chat = {"output_tokens": "30k", "fresh_input_tokens": "10k", "context_mean": "8k", "ttft": "2 s", "tpot": "50 ms",
            "spare_share": "20 %"}
    problem = built(cat, {"idle_power": "30 %"}, classes={"chat": chat})
    full = plain.table("draws").query("place == 'abilene'")["amount"].iloc[0]
    above = problem.table("draws").query("place == 'abilene'")["amount"].iloc[0]
    assert above == pytest.approx(0.8 * (full - 0.6 * 1.2))


def test_what_trains_idles_already(cat, plain):
    """A run draws nameplate power, of which 30 % is drawn by what stands there in any case."""
    run = {"big": {"accelerators": {"h200-sxm": 1000}, "begins": 2028, "months": 6}}
    full = built(cat, {}, training=run).table("training")
    above = built(cat, {"idle_power": "30 %"}, training=run).table("training")
    assert above["draw"].tolist() == pytest.approx((0.7 * full["draw"]).tolist())
