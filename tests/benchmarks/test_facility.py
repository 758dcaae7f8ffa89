"""Facility location and p-median through the waist: published optima, hand counts, rows."""

import pytest

from benchmarks.reference import read, run
from capacity.errors import InputError
from tests.benchmarks.files import DATA, EXACT, optimum, rules, written

CAP, PMED = DATA / "orlib" / "cap61.txt", DATA / "orlib" / "pmed1.txt"
OPENING = {"a_place_opens_once": 16, "an_open_place_stays_open": 16}
SERVICE = {"every_demand_is_served_or_short": 50, "serve_only_from_open_places": 16 * 50}
HALL = {
    "build_only_where_open": 16, "open_with_a_first_block": 16, "blocks_carry_what_runs": 16,
    "serve_within_latency_what_is_made": 16,
}

TINY = """
 2 3
 6 10.
 capacity 4.
 3  3 9
 4  8 4
 0  5 7
"""
"""Two warehouses (10 and 4 to open) and three customers, the last of whom asks for nothing but must be seen to."""


@pytest.mark.parametrize(("variant", "capacity", "objective"), [
    ("", None, 932615.75), ("CFLP (multi-source)", 5000, 1040444.375), ("UFL (ignore capacity)", None, 932615.75),
])
def test_published_optima(variant, capacity, objective):
    assert optimum("orlib-cap", CAP, variant, capacity) == ("optimal", pytest.approx(objective, rel=1e-6), 0)


def test_rows_of_each_variant():
    assert rules("orlib-cap", CAP, "uncapacitated") == {**OPENING, **SERVICE}
    assert rules("orlib-cap", CAP) == {**OPENING, **SERVICE, **HALL}
    assert rules("orlib-cap", CAP, "single-source") == {
        **OPENING, **SERVICE, **HALL, "one_place_serves_it_whole": 16 * 50}


def test_by_hand(tmp_path):
    """Uncapacitated: the second alone, 4 + 9 + 4 + 7 = 24. 6 in each: both, 14 + 3 + 4 + 5.
    6 and 3: both, and 1 of the second customer's 4 comes from the first for 8/4: 14 + 3 + 3 + 2 + 5.
    One source for each: the second customer fits in the first warehouse only, and the first beside him nowhere
    but in the second: 14 + 9 + 8 + 5."""
    file = written(tmp_path, "tiny.txt", TINY)
    assert optimum("orlib-cap", file, "ufl")[1] == pytest.approx(24)
    assert optimum("orlib-cap", file, "", 6)[1] == pytest.approx(26)
    file = written(tmp_path, "tight.txt", TINY.replace("capacity", "3"))
    assert optimum("orlib-cap", file)[1] == pytest.approx(14 + 3 + 3 + 2 + 5)
    assert optimum("orlib-cap", file, "single-source")[1] == pytest.approx(14 + 9 + 8 + 5)


def test_a_single_source_costs_more(tmp_path):
    """2 + 2 + 2 in warehouses of 3: two may be shared out in halves, none may be split, so three must open."""
    text = "3 3\n3 5\n3 6\n3 50\n2 1 1 1\n2 1 1 1\n2 1 1 1\n"
    file = written(tmp_path, "three.txt", text)
    assert optimum("orlib-cap", file)[1] == pytest.approx(5 + 6 + 3)
    assert optimum("orlib-cap", file, "single-source")[1] == pytest.approx(5 + 6 + 50 + 3)


def test_too_little_capacity(tmp_path):
    assert optimum("orlib-cap", written(tmp_path, "t.txt", TINY), "", 3) == ("infeasible", None, 3)


def test_one_source_for_each_does_not_fit_though_shares_would(tmp_path):
    """Three customers of 2 and two warehouses of 3: no warehouse takes two of them whole."""
    file = written(tmp_path, "three.txt", "2 3\n3 5\n3 6\n2 1 1\n2 1 1\n2 1 1\n")
    assert optimum("orlib-cap", file)[0] == "optimal"
    told, code = run("orlib-cap", file, "single-source", None, EXACT)
    assert (told["status"], code) == ("infeasible", 3)
    assert "demands served from one place only cannot meet what is required" in told["why"]


def test_other_units_and_another_name(tmp_path):
    """Amounts a thousandfold and prices in thousands: the same plan at a thousandth of the number."""
    warehouses, customers, *rest = CAP.read_text().split()
    numbers = [float(word) for word in rest]
    sites = 2 * int(warehouses)
    scaled = [v * (1000 if at % 2 == 0 else 0.001) for at, v in enumerate(numbers[:sites])]
    width = 1 + int(warehouses)
    scaled += [v * (1000 if at % width == 0 else 0.001) for at, v in enumerate(numbers[sites:])]
    file = written(tmp_path, "q", f"{warehouses} {customers} " + " ".join(map(repr, scaled)))
    assert optimum("orlib-cap", file) == ("optimal", pytest.approx(932.61575, rel=1e-6), 0)


def test_p_median():
    assert optimum("orlib-pmed", PMED) == ("optimal", pytest.approx(5819), 0)
    assert rules("orlib-pmed", PMED) == {
        "a_place_opens_once": 100, "an_open_place_stays_open": 100, "every_demand_is_served_or_short": 100,
        "serve_only_from_open_places": 100 * 100, "limits_hold": 1,
    }


def test_of_repeated_edges_the_last_counts(tmp_path):
    """A path 1 - 2 - 3 of lengths 5 and 1, the 5 said to be 2 later, the other way round: median 2 costs 3."""
    file = written(tmp_path, "path.txt", "3 3 1\n1 2 5\n2 3 1\n2 1 2\n")
    assert optimum("orlib-pmed", file)[1] == pytest.approx(3)


def test_islands_need_a_median_each(tmp_path):
    assert optimum("orlib-pmed", written(tmp_path, "i.txt", "3 1 1\n1 2 5\n"))[0] == "infeasible"
    assert optimum("orlib-pmed", written(tmp_path, "i.txt", "3 1 2\n1 2 5\n"))[1] == pytest.approx(5)


@pytest.mark.parametrize(("text", "variant", "said"), [
    ("2 3\n6 10\n", "", "2 warehouses, 3 customers: 13 numbers are expected, 2 are there"),
    (TINY, "", "leaves the capacity of warehouses open; give --capacity"),
    ("1 1\n5 ten\n1 1\n", "", "word 4 is 'ten'"),
    ("1 1\n5 10\n-1 1\n", "", "a capacity or demand is negative"),
    (TINY, "uncapacitatd", "did you mean 'uncapacitated'"),
])
def test_bad_files_and_variants_are_told(tmp_path, text, variant, said):
    with pytest.raises(InputError, match=said):
        read("orlib-cap", written(tmp_path, "bad.txt", text), variant)
