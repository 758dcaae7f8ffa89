"""Numbers too small or too large to solve well are told, with the rows that hold them."""

import re
from dataclasses import replace

import pytest

from capacity.problem import Problem
from capacity.solving import Options, solve
from capacity.solving.compile import compile_problem
from capacity.solving.ranges import LEAST, MOST, spread, warnings
from tests.support.random_problem import random_problem

PROBLEM = random_problem(2, sites=2, years=2, regions=2)


def test_a_sound_problem_has_nothing_to_tell():
    form = compile_problem(PROBLEM)
    found = spread(form)
    assert found.sound
    assert LEAST <= found.least <= found.most <= MOST
    assert warnings(form) == []


@pytest.mark.parametrize(("factor", "shown"), [(1e-9, r"e-08|e-09"), (1e9, r"e\+09")])
def test_a_limit_far_off_is_named(factor, shown):
    terms = PROBLEM.table("limit_terms")
    first = terms["limit"] == "supply 2027"
    odd = terms.assign(coefficient=terms["coefficient"].where(~first, factor))
    form = compile_problem(Problem.of({**PROBLEM.tables, "limit_terms": odd}))
    (told,) = warnings(form)
    assert "limit supply 2027" in told
    assert "more" not in told


    assert re.search(shown, told)


def test_several_rows_of_a_rule_are_counted():
    demands = PROBLEM.table("demands")
    form = compile_problem(Problem.of({**PROBLEM.tables, "demands": demands.assign(amount=demands["amount"] * 1e8)}))
    told = " ".join(warnings(form))
    assert "demand r0c02027h0" in told or "demand r" in told
    assert " more has a factor of" in told


def test_a_rule_without_words_is_named_as_it_is():
    form = compile_problem(PROBLEM)
    matrix = form.matrix.copy()
    row = next(at for at, name in enumerate(form.row_names) if name.startswith("a_place_opens_once"))
    matrix.data[matrix.indptr[row]] = 1e-7
    (told,) = warnings(replace(form, matrix=matrix))
    assert "a place opens once (s0)" in told


def test_the_search_tells_it():
    demands = PROBLEM.table("demands")
    large = Problem.of({**PROBLEM.tables, "demands": demands.assign(amount=demands["amount"] * 1e7)})
    told = []
    solve(large, Options(gap=0.5, time_limit=20), lambda step: told.append(step.phase))
    assert any("very different size" in phase for phase in told)
