"""What can be varied, and what a value, a factor or a sum makes of it."""

import pytest

from capacity.errors import InputError
from capacity.scenario import load_scenario
from capacity.studies.keys import Base


@pytest.fixture(scope="module")
def base(tiny):
    return Base(load_scenario(tiny))


@pytest.mark.parametrize(("path", "text", "sets"), [
    ("money.discount_rate", "7 %", ["money.discount_rate=7 %"]),
    ("money.discount_rate", "+1 %", ["money.discount_rate=0.26"]),
    ("money.power_price_growth", "+3 %", ["money.power_price_growth=+3 %"]),
    ("money.capex_budget", "x2", ["money.capex_budget.2027=1800000000"]),
    ("accelerators.h200.price", "x0.5", ["accelerators.h200-sxm.price=15000"]),
    ("sites.*.power_price", "x2", ["sites.abilene.power_price=0.1", "sites.hamina.power_price=0.08"]),
    ("sites.hamina.build_cost_per_mw", "x1.5", ["sites.hamina.build_cost_per_mw=12000000"]),
    ("sites.abilene.grid_limit", "+1 GW", ["sites.abilene.grid_limit=1100"]),
    ("demand.growth", "3x", ["demand.classes.chat.end=null", "demand.classes.chat.growth=3"]),
    ("demand.growth", "x1.5", ["demand.classes.chat.end=null", "demand.classes.chat.growth=3"]),
    ("demand.amount", "x0.5", ["demand.classes.chat.start=500000", "demand.classes.chat.end=1000000"]),
])
def test_values_factors_and_sums(base, path, text, sets):
    assert list(base.sets(path, text)) == sets


def test_what_is_set_loads(base, tiny):
    sets = [s for path, text in (("demand.growth", "3x"), ("sites.*.power_price", "x2")) for s in base.sets(path, text)]
    moved = load_scenario(tiny, sets)
    assert moved.demand.classes["chat"].growth == 3
    assert moved.demand.classes["chat"].end is None
    assert moved.sites["hamina"].power_price == pytest.approx(0.08)


@pytest.mark.parametrize(("path", "text", "words"), [
    ("demand.grwth", "2", "did you mean `growth`"),
    ("sites.hamnia.power_price", "x2", "did you mean `hamina`"),
    ("accelerators.h100.price", "x2", "did you mean `h200-sxm`"),
    ("money.discont_rate", "7 %", "did you mean `discount_rate`"),
    ("supply.power", "x2", "there is no number to move"),
    ("demand.amount", "3 million", "by a factor"),
    ("money.*.x", "2", "`x` is not in the scenario"),
    ("sites.abilene.grid_limit", "+1 hour", "measures something else"),
])
def test_what_cannot_be_varied_is_told(base, path, text, words):
    with pytest.raises(InputError, match=words):
        base.sets(path, text)
