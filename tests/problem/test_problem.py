"""A Problem is checked once: names, columns, kinds, keys, ranges, references; and never changes what it is given."""

import numpy as np
import pandas as pd
import pytest

from capacity.errors import InputError
from capacity.problem import TABLES, VARIABLES, Problem
from capacity.problem.problem import REFERENCES
from tests.support.frames import frame
from tests.support.tiny_problem import tiny_problem


def given():
    return {
        "periods": frame("period", (2027,), (2028,)),
        "slices": frame("slice hours", ("all", 8766.0)),
        "places": frame("place kind", ("here", "site"), ("there", "region")),
        "demands": frame("demand place commodity period slice amount", ("d", "there", "c", 2027, "all", 5.0)),
        "assignments": frame("demand place rtt", ("d", "here", 12.5)),
    }


def refused(message, **changes):
    with pytest.raises(InputError, match=message):
        Problem.of({**given(), **changes})


def test_defaults_are_filled_and_absent_tables_are_empty():
    problem = Problem.of(given(), name="mine")
    demands = problem.table("demands").iloc[0]
    assert (demands["weight"], demands["shortage_price"], demands["must_serve"]) == (1.0, 0.0, False)
    assert problem.table("assignments")["max"].tolist() == [np.inf]
    assert list(problem.table("links").columns) == list(TABLES["links"].columns)
    assert problem.size() == {"periods": 2, "slices": 1, "places": 2, "demands": 1, "assignments": 1}
    assert problem.name == "mine"


def test_columns_have_their_kinds():
    problem = Problem.of({**given(), "periods": frame("period", (2027.0,), (2028.0,))})
    assert problem.table("periods")["period"].dtype == np.int64
    assert problem.table("demands")["amount"].dtype == np.float64
    assert problem.table("demands")["must_serve"].dtype == bool


def test_what_is_given_is_left_as_it_was():
    tables = given()
    before = {name: table.copy() for name, table in tables.items()}
    made = Problem.of(tables)
    assert all(tables[name].equals(before[name]) for name in tables)
    tables["demands"].loc[0, "amount"] = 99.0
    assert made.table("demands").loc[0, "amount"] == 5.0


def test_it_may_be_made_again_from_its_own_tables():
    for seed in range(3):
        problem = tiny_problem(seed)
        again = Problem.of(problem.tables)
        assert all(again.table(name).equals(problem.table(name)) for name in TABLES)


def test_an_unknown_table_is_refused():
    refused("no table 'demand' in a planning problem; did you mean 'demands'", demand=frame("demand", ("d",)))


def test_an_unknown_column_is_refused():
    wrong = given()["assignments"].rename(columns={"rtt": "rt"})
    refused("table assignments: unknown column 'rt'; did you mean 'rtt'", assignments=wrong)


def test_a_missing_column_is_refused():
    refused("table demands: column 'amount' .asked for. is missing", demands=given()["demands"].drop(columns="amount"))


@pytest.mark.parametrize("nothing", [np.nan, None, pd.NA])
def test_a_missing_value_is_refused(nothing):
    rows = frame("period discount", (2027, 1.0), (2028, nothing))
    refused("table periods: column 'discount', row 1: a value is missing", periods=rows)


def test_a_value_of_another_kind_is_refused():
    refused("table slices: column 'hours' must be float", slices=frame("slice hours", ("all", "many")))


def test_nothing_is_rounded_or_guessed():
    refused("table periods: column 'period' must be int: .*2027.5.* is given", periods=frame("period", (2027.5,)))
    rows = given()["demands"].assign(must_serve="no")
    refused("table demands: column 'must_serve' must be bool: 'no' is given", demands=rows)
    plain = Problem.of({**given(), "demands": rows.assign(must_serve=1)})
    assert plain.table("demands")["must_serve"].tolist() == [True]


def test_a_key_given_twice_is_refused():
    refused(r"table periods: row \{'period': 2027\} stands twice", periods=frame("period", (2027,), (2028,), (2027,)))


def test_a_negative_amount_is_refused():
    rows = given()["demands"].assign(amount=-1.0)
    refused("table demands: column 'amount', row 0: -1.0 is below 0", demands=rows)


def test_a_cost_may_be_negative():
    rows = frame("place period objective", ("here", 2027, -3.0))
    assert Problem.of({**given(), "openings": rows}).table("openings")["objective"].tolist() == [-3.0]


def test_a_reference_to_nothing_is_refused():
    rows = frame("demand place rtt", ("d", "her", 12.5))
    refused("table assignments: place 'her' is not in table places; nearest: 'here'", assignments=rows)


def test_every_reference_names_a_column_that_exists():
    for table, references in REFERENCES.items():
        for column, target in references:
            other, key = target.split(".")
            assert column in TABLES[table].columns
            assert TABLES[other].key == (key,)


def test_every_key_is_a_column_and_every_variable_has_keys():
    assert all(set(table.key) <= set(table.columns) for table in TABLES.values())
    assert all(len(keys) >= 1 for keys in VARIABLES.values())
