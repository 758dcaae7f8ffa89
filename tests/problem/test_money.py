"""Money over time, by hand and by what must hold for any rate and life."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity.problem.money import annuity_due, charged, discount, grown, held
from tests.support.scenarios import scenario

RATES, LIVES = st.floats(0, 0.5), st.integers(1, 30)


def asked(rate=0.25, first=2027, last=2030, **money):
    return scenario(years={"first": first, "last": last}, money__merge={"discount_rate": rate, **money})


def test_annuity_by_hand():
    assert annuity_due(0.0, 4) == 0.25
    assert annuity_due(0.25, 1) == pytest.approx(1)
    assert annuity_due(0.25, 2) == pytest.approx(5 / 9)


@given(RATES, LIVES)
def test_the_payments_of_an_annuity_are_worth_one(rate, life):
    assert sum(annuity_due(rate, life) * (1 + rate) ** -t for t in range(life)) == pytest.approx(1)


def test_discount_counts_from_the_first_year():
    assert discount(asked(), np.array([2027, 2028, 2029])).tolist() == pytest.approx([1, 0.8, 0.64])


def test_charged_by_hand():
    """Life 2 at 5/9 a year in a horizon of 2027-2028: whole if bought in 2027, one discounted payment in 2028."""
    short = asked(last=2028)
    assert charged(short, np.array([2027, 2028]), 2).tolist() == pytest.approx([1, 4 / 9])
    whole = asked(last=2028, horizon_credit=False)
    assert charged(whole, np.array([2027, 2028]), 2).tolist() == pytest.approx([1, 0.8])


@given(RATES, st.integers(1, 12), st.integers(0, 5))
def test_what_ends_inside_the_horizon_is_charged_in_full(rate, life, later):
    """So the credit changes nothing but what outlives the horizon."""
    long = asked(rate, last=2027 + 20)
    price = charged(long, np.array([2027.0 + later]), life)[0]
    assert price == pytest.approx(discount(long, np.array([2027.0 + later]))[0])


@given(RATES, st.integers(1, 12), st.integers(1, 8))
def test_the_credit_leaves_the_same_price_a_year_whenever_it_is_bought(rate, life, years):
    """No bias at the end: a year of service costs the same annuity in the last year as in the first."""
    plan = asked(rate, last=2027 + years - 1)
    bought = np.arange(2027.0, 2027 + years)
    served = held(plan, bought, life)
    assert charged(plan, bought, life) == pytest.approx(annuity_due(rate, life) * served)


@given(RATES, LIVES)
def test_the_credit_never_charges_more_than_the_price(rate, life):
    plan, whole = asked(rate), asked(rate, horizon_credit=False)
    years = np.arange(2027.0, 2031)
    assert (charged(plan, years, life) <= charged(whole, years, life) * (1 + 1e-9)).all()


def test_held_by_hand():
    assert held(asked(), np.array([2027, 2029, 2030]), 3).tolist() == pytest.approx([2.44, 0.64 + 0.512, 0.512])


def test_prices_grow_from_the_price_year():
    factors = grown(asked(price_year=2026), np.array([2025, 2026, 2028]), 1.1)
    assert factors.tolist() == pytest.approx([1 / 1.1, 1, 1.21])
