"""Capacity expansion and the cheapest mix through the waist, by hand."""

import json

import pytest

from benchmarks.reference import read
from capacity.errors import InputError
from capacity.solving import Options, solve
from tests.benchmarks.files import optimum, rules, written

EXPANSION = {
    "years": [2030, 2031], "discount_rate": 0.25, "integer_modules": True,
    "sites": [{"id": "s", "phase_capacity_mw": 10, "phase_fixed_cost": 100, "max_phases": 2,
               "fixed_opex_per_phase": 4}],
    "gpus": [{"id": "g", "module_tokens": 50, "module_mw": 5, "lifetime": 1, "available_from": 2030,
              "price": {"2030": 30, "2031": 20}, "opex_per_module_year": 1}],
    "regions": [{"id": "r", "demand": {"2030": 60, "2031": 120}}],
    "links": [{"a": "s", "b": "r", "module_tokens": 100, "module_price": 7, "cost_per_token_year": 0.1, "lifetime": 9}],
}
MIX = {
    "gpu_info": {"small": {"cost": 1.0, "tputs": [[2.0, 0.0]]}, "big": {"cost": 3.0, "tputs": [[9.0, 2.0]]}},
    "workload_distribution": [[0.75, 0.25]], "total_request_rate": 8.0, "slice_factor": 1,
}


def given(tmp_path, content):
    return written(tmp_path, "given.json", json.dumps(content))


def test_expansion_in_whole_units(tmp_path):
    """2030: a phase (100 and 4 a year), 2 modules for 31, a link module, 60 tokens. 2031 at 0.8: a second phase, 3
    modules for 21, a second link module, 120 tokens."""
    first = 100 + 4 + 4 * 0.8 + 2 * 31 + 7 + 6
    second = 0.8 * (100 + 4 + 3 * 21 + 7 + 12)
    file = given(tmp_path, EXPANSION)
    assert optimum("capexp", file) == ("optimal", pytest.approx(first + second), 0)


def test_expansion_in_parts(tmp_path):
    """0.6 phases, 1.2 modules, 0.6 link modules; then as much again, and all 2.4 modules anew."""
    first = 0.6 * (100 + 4 + 4 * 0.8) + 1.2 * 31 + 0.6 * 7 + 6
    second = 0.8 * (0.6 * 104 + 2.4 * 21 + 0.6 * 7 + 12)
    assert optimum("capexp", given(tmp_path, EXPANSION), "lp")[1] == pytest.approx(first + second)
    file = given(tmp_path, {**EXPANSION, "integer_modules": False})
    assert optimum("capexp", file)[1] == pytest.approx(first + second)


def test_expansion_without_room(tmp_path):
    demand = {"2030": 60, "2031": 201}
    file = given(tmp_path, {**EXPANSION, "regions": [{"id": "r", "demand": demand}]})
    assert optimum("capexp", file) == ("infeasible", None, 3)


def test_rows_of_an_expansion(tmp_path):
    assert rules("capexp", given(tmp_path, EXPANSION)) == {
        "every_demand_is_served_or_short": 2, "serve_within_latency_what_is_made": 2, "a_vintage_only_shrinks": 2,
        "use_only_what_still_serves": 2, "grid_and_land_bound_blocks": 2, "blocks_carry_what_runs": 2,
        "lit_modules_carry_the_traffic": 2,
    }


def test_mix(tmp_path):
    """6 a second of the light bucket, 2 of the heavy one, which only the big kind serves: 1 big for that, full.
    The light bucket is one slice: 3 small (3) or 0.67 big. Two big ones cost 6, 1 big and 3 small 6 as well.
    In 3 slices of 2: 3 small, or a second big: 6 again; at rate 4 the heavy 1 leaves half a big one for 3 light ones:
    0.33 of it fit, so one big does it all."""
    file = given(tmp_path, MIX)
    assert optimum("melange", file) == ("optimal", pytest.approx(6), 0)
    assert optimum("melange", file, "slice_factor 3")[1] == pytest.approx(6)
    assert optimum("melange", file, "rate 4, slice_factor 1")[1] == pytest.approx(3)


def test_slices_may_part(tmp_path):
    """At rate 6: heavy 1.5 takes 0.75 of a big one; light 4.5 whole takes 0.5 of one: 2 big (6), or 1 and 3 small (6).
    In two slices of 2.25, 0.25 of a big one each: one beside the heavy one, the other on 2 small: 5."""
    file = given(tmp_path, MIX)
    assert optimum("melange", file, "rate=6")[1] == pytest.approx(6)
    assert optimum("melange", file, "rate=6 slice_factor=2")[1] == pytest.approx(5)


def test_many_slices_that_are_all_alike(tmp_path):
    """20 slices of each bucket: 60 choices of who serves whom, most of them one and the same. Branch and bound sees
    through that; a search for the better of such plans would go through them all."""
    problem = read("melange", given(tmp_path, MIX), "mix@rate8, slice_factor 20")
    solution = solve(problem, Options(gap=0.0, threads=1))
    assert solution.stages[-1].objective == pytest.approx(6)
    assert solution.status == "optimal"
    assert not any("nothing is cheaper" in line or "moving" in line for line in solution.log)


def test_a_mix_that_nobody_can_serve(tmp_path):
    kinds = {"small": MIX["gpu_info"]["small"]}
    assert optimum("melange", given(tmp_path, {**MIX, "gpu_info": kinds}))[0] == "infeasible"


def test_rows_of_a_mix(tmp_path):
    assert rules("melange", given(tmp_path, MIX)) == {
        "every_demand_is_served_or_short": 2, "one_place_serves_it_whole": 3, "a_vintage_only_shrinks": 2,
        "use_only_what_still_serves": 2, "serve_within_latency_what_is_made": 3,
    }


@pytest.mark.parametrize(("form", "content", "variant", "said"), [
    ("capexp", {"integer_modules": True}, "", "key 'years' is missing"),
    ("capexp", {**EXPANSION, "gpus": [{}]}, "", "key 'available_from' is missing"),
    ("capexp", EXPANSION, "integer", "allowed: , lp"),
    ("melange", {**MIX, "workload_distribution": [[1.0]]}, "", "tputs of 'small' has not the shape"),
    ("melange", MIX, "speed 3", "such as: rate 8, slice_factor 2"),
    ("melange", MIX, "slice_factor 1.5", "slice_factor 1.5 whole"),
])
def test_bad_content_is_told(tmp_path, form, content, variant, said):
    with pytest.raises(InputError, match=said):
        read(form, given(tmp_path, content), variant)


def test_text_that_is_no_json_is_told(tmp_path):
    with pytest.raises(InputError, match="line 1, column 2"):
        read("capexp", written(tmp_path, "bad.json", "{years}"))
