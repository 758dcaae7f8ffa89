"""Tables of codes: they join, stack and merge as pandas does, and keep the order of their rows."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity.formulation.coded import Coded, coded, keyed, stacked
from tests.support.frames import frame, small

WORDS = st.sampled_from(["a", "b", "c"])
LEFT = st.lists(st.tuples(WORDS, st.integers(1, 3), st.floats(0, 9)), max_size=8)


def table(rows, names):
    return pd.DataFrame(rows, columns=names.split()).astype({n: float for n in names.split() if n.startswith("x")})


def plain(made: Coded):
    """Its rows as plain values."""
    return list(zip(*(column.objects() for column in made.columns.values()), strict=True))


@given(LEFT, LEFT)
def test_a_join_is_that_of_pandas(left, right):
    one, other = table(left, "k y x1"), table(right, "k y x2")
    joined = coded(one).join(coded(other), "k", "y")
    expected = one.astype({"k": object, "y": object}).merge(other.astype({"k": object, "y": object}), on=["k", "y"])
    assert plain(joined) == list(expected.itertuples(index=False, name=None))


@given(LEFT, LEFT)
def test_stacking_and_merging_are_those_of_pandas(left, right):
    both = stacked([coded(table(left, "k y x")), coded(table(right, "k y x"))])
    expected = table(left + right, "k y x")
    assert plain(both) == list(expected.itertuples(index=False, name=None))
    for how, name in ((np.add, "sum"), (np.maximum, "max")):
        merged = expected.groupby(["k", "y"], sort=False, as_index=False)["x"].agg(name)
        found = plain(both.merged(["k", "y"], "x", how))
        assert [row[:2] for row in found] == list(merged[["k", "y"]].itertuples(index=False, name=None))
        assert [row[2] for row in found] == pytest.approx(merged["x"].tolist())
    once = expected.drop_duplicates(["k", "y"])[["k", "y"]]
    assert plain(both.once("k", "y")) == list(once.itertuples(index=False, name=None))


@given(LEFT, LEFT)
def test_rows_that_another_table_has_too(left, right):
    one, other = table(left, "k y x1"), table(right, "k y x2")
    kept = coded(one).with_rows_of(coded(other), "k", "y")
    known = {row[:2] for row in right}
    assert plain(kept) == [tuple(row) for row in left if row[:2] in known]


def test_names_are_coded_by_the_table_they_refer_to():
    problem = small(
        places=frame("place kind", ("R", "region"), ("S", "site")), assets=frame("asset unit_size", ("k", 1.0)),
        asset_cells=frame("place asset vintage", ("S", "k", 1)),
        committed=frame("place asset vintage count life", ("S", "k", -3, 1.0, 9)))
    cells, held = keyed(problem, "asset_cells"), keyed(problem, "committed")
    assert cells.columns["place"].labels is held.columns["place"].labels
    assert held.numbers("vintage").tolist() == [-3]
    years = stacked([held.only("vintage"), cells.only("vintage")]).numbers("vintage")
    assert years.tolist() == [-3, *problem.table("asset_cells")["vintage"]]
