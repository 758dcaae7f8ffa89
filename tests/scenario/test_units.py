"""Quantities: what is read, what is refused, and that messages say what to write instead."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity.errors import InputError
from capacity.scenario import units
from capacity.scenario.units import quantity

READ = [
    (units.MEGAWATTS, "20 MW", 20), (units.MEGAWATTS, "1.5GW", 1500), (units.MEGAWATTS, 3, 3),
    (units.MEGAWATTS, "250 kW", 0.25), (units.DOLLARS, "$3.5 billion", 3.5e9), (units.DOLLARS, "$60B", 6e10),
    (units.DOLLARS, "$1,000,000", 1e6), (units.DOLLARS, "USD 5 million", 5e6), (units.DOLLARS, "5 cents", 0.05),
    (units.DOLLARS_PER_HOUR, "$2.50/GPU-hour", 2.5), (units.DOLLARS_PER_HOUR, "$48 per day", 2),
    (units.DOLLARS_PER_KWH, "$60/MWh", 0.06), (units.DOLLARS_PER_KWH, "6 cents/kWh", 0.06),
    (units.DOLLARS_PER_TONNE, "$80/tCO2", 80), (units.TOKENS, "32k tokens", 32000), (units.TOKENS, "32k", 32000),
    (units.TOKENS, "2 million tokens", 2e6), (units.COUNT, "3 million", 3e6), (units.COUNT, "1.5k", 1500),
    (units.COUNT, "10 thousand GPUs", 1e4), (units.COUNT, "1e9", 1e9), (units.SECONDS, "50 ms", 0.05),
    (units.SECONDS, "10min", 600), (units.GIGABITS_PER_SECOND, "1.6 Tbps", 1600),
    (units.GIGABITS_PER_SECOND, "50 GB/s", 400), (units.GIGABYTES_PER_YEAR, "5 EB/year", 5e9),
    (units.YEARS, "60 months", 5), (units.MONTHS, "1.5 years", 18), (units.HOURS, "90 min", 1.5),
    (units.FRACTION, "7 %", 0.07), (units.FRACTION, 0.07, 0.07), (units.GROWTH, "1.9x", 1.9),
    (units.GROWTH, "25 %", 1.25), (units.GROWTH, "-10 %", 0.9), (units.GROWTH, "65 % per year", 1.65),
]  # fmt: skip

REFUSED = [
    (units.MEGAWATTS, "20 MWh", "measures something else.*`20 MW`"),
    (units.MEGAWATTS, "20 mW", r"unknown unit 'mW' \(nearest: `MW`\)"),
    (units.MEGAWATTS, "about 20", "does not start with a number"),
    (units.MEGAWATTS, True, "truth value"), (units.MEGAWATTS, None, "is empty"), (units.MEGAWATTS, [1], "a list"),
    (units.MEGAWATTS, float("nan"), "not a finite number"), (units.MEGAWATTS, "1e999", "not a finite number"),
    (units.DOLLARS, "3 euros", "unknown unit 'euros'"), (units.DOLLARS, "$5/hour", "measures something else"),
    (units.DOLLARS_PER_HOUR, "$35", r"\$2.50/hour"), (units.TOKENS, "50 ms", "32k tokens"),
    (units.SECONDS, "50 m", "unknown unit 'm'"), (units.COUNT, "1,5", "where a unit should stand"),
    (units.COUNT, "5 (GPUs)", "where a unit should stand"), (units.GIGABYTES_PER_YEAR, "5 EB", "5 EB/year"),
    (units.FRACTION, 7, "did you mean `7 %`"), (units.FRACTION, "120 %", "outside 0 to 1"),
    (units.GROWTH, -1, "not a positive factor"), (units.GROWTH, "-100 %", "not a positive factor"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "text", "value"), READ)
def test_reads(kind, text, value):
    assert quantity(text, kind, "--x") == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(("kind", "text", "message"), REFUSED)
def test_refuses_and_says_what_to_write(kind, text, message):
    with pytest.raises(InputError, match=message) as caught:
        quantity(text, kind, "--x")
    assert str(caught.value).startswith("--x: ")


@given(st.floats(0, 1e12, allow_subnormal=False), st.sampled_from(["kW", "MW", "GW"]))
def test_a_unit_scales_the_number(number, unit):
    factor = {"kW": 1e-3, "MW": 1, "GW": 1e3}[unit]
    assert quantity(f"{number!r} {unit}", units.MEGAWATTS, "--x") == pytest.approx(number * factor, rel=1e-12)


@given(st.text(max_size=20))
def test_any_text_is_a_number_or_an_input_error(text):
    try:
        found = quantity(text, units.DOLLARS, "--x")
    except InputError as error:
        found = str(error)
    assert isinstance(found, float) or units.DOLLARS.noun in found


def test_every_example_is_read():
    kinds = [kind for kind in vars(units).values() if isinstance(kind, units.Kind)]
    assert len(kinds) == 16
    for kind in kinds:
        assert all(quantity(example, kind, "--x") > 0 for example in kind.examples)
