"""What `capacity catalogue` prints: list, filter, audit."""

from __future__ import annotations

import pytest

from capacity.catalogue.audit import summary
from capacity.catalogue.show import columns_of, list_tables, select
from capacity.errors import InputError


def test_list_names_every_table(cat):
    listed = list_tables(cat).set_index("table")
    assert set(listed.index) == {*cat.tables(), "models"}
    assert listed.loc["accelerators", "rows"] == len(cat.accelerators())
    assert listed["estimates"].between(0, 1).all()
    assert (listed["description"].str.len() > 10).all()


def test_select_by_number_text_and_part(cat):
    chosen = select(cat, "accelerators", ["memory_gb >= 192", "vendor=nvidia", "name~nvl72"], ["id", "memory_gb"])
    assert list(chosen.columns) == ["id", "memory_gb"]
    assert set(chosen["id"]) == {"gb200-nvl72", "gb300-nvl72", "vr200-nvl72"}
    assert set(select(cat, "models", ["kind!=dense", "layers<25"])["id"]) == {"gpt-oss-20b", "switch-base-128e"}


@pytest.mark.parametrize(("filters", "columns", "words"), [
    (["memory_gb"], [], "cannot be read"),
    (["memory>1"], [], "has no column `memory`.*nearest: `memory_gb`"),
    (["memory_gb>big"], [], "holds numbers, `big` is none"),
    (["name>a"], [], "holds text; allowed: = != ~"),
    ([], ["memroy_gb"], "nearest: `memory_gb`"),
])
def test_select_refuses(cat, filters, columns, words):
    with pytest.raises(InputError, match=words):
        select(cat, "accelerators", filters, columns)


def test_columns_say_their_units(cat):
    listed = columns_of(cat, "accelerators").set_index("column")
    assert listed.loc["memory_gb", "unit"] == "GB"
    assert listed.loc["source", "required"]


def test_audit_marks_single_guesses(cat):
    audit = cat.audit().set_index(["table", "key", "column"])
    assert audit.loc[("accelerators", "h100-sxm", "memory_gb"), "confidence"] == "published"
    assert audit.loc[("accelerators", "h100-sxm", "price_usd"), "confidence"] == "estimate"
    assert audit.loc[("models", "deepseek-v4-pro", "kv_bytes_per_token"), "confidence"] == "estimate"
    assert audit.loc[("models", "deepseek-v4-pro", "layers"), "confidence"] == "published"
    counted = summary(cat.audit()).set_index("table")
    assert counted.loc["archetype_trends", "estimate_share"] == 1
    assert counted.loc["tco", "estimate_share"] == 0
