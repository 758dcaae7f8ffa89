"""Our tables are valid; a broken one is refused with file, row and column."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from capacity.catalogue.catalogue import load_catalogue
from capacity.errors import InputError


def edit(row: int, column: str, value: str):
    """Change one cell; row 1 is the first below the header."""

    def change(text: str) -> str:
        rows = list(csv.reader(io.StringIO(text)))
        rows[row][rows[0].index(column)] = value
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerows(rows)
        return out.getvalue()

    return change


def test_everything_validates(cat):
    cat.validate()
    assert len(cat.tables()) >= 18


@pytest.mark.parametrize("name", load_catalogue().tables())
def test_every_row_says_where_it_comes_from(cat, name):
    table = cat.table(name)
    assert (table["source"].str.len() > 3).all()
    assert table["as_of"].str.fullmatch(r"\d{4}(-\d\d){0,2}").all()
    assert set(table["confidence"]) <= {"published", "derived", "estimate"}


def test_size_of_the_catalogue(cat):
    assert len(cat.accelerators()) >= 30
    assert len(cat.models()) >= 38


@pytest.mark.parametrize(("column", "value", "words"), [
    ("memory_gb", "lots", ["`lots` is no number", "float in GB"]),
    ("memory_gb", "-1", ["`-1` is not allowed", "at least 0"]),
    ("memory_gb", "nan", ["`nan` is not allowed"]),
    ("memory_gb", "", ["a value is required"]),
    ("scale_up_domain", "7.5", ["`7.5` is not allowed", "int"]),
    ("confidence", "publishd", ["`publishd` is not allowed", "nearest: `published`"]),
    ("status", "sold", ["allowed: released, announced"]),
    ("as_of", "last year", ["`last year` is no date", "YYYY-MM"]),
    ("scale_up_fabric", "nvlink9", ["`nvlink9` is not in fabrics.id", "nearest: `nvlink"]),
    ("source", "", ["a value is required"]),
    ("price_low_usd", "1e9", ["price_low_usd <= price_usd <= price_high_usd"]),
    ("id", "v100-sxm2-32", ["id=v100-sxm2-32 is given twice", "first at accelerators.csv row 2"]),
])
def test_broken_cell(broken, column, value, words):
    with pytest.raises(InputError) as caught:
        broken("accelerators", edit(2, column, value)).table("accelerators")
    message = str(caught.value)
    assert message.startswith(f"accelerators.csv row 3, column `{column}`"), message
    for word in words:
        assert word in message


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(row=st.integers(1, 40), column=st.sampled_from(["bf16_tflops", "memory_gb", "tdp_w", "price_year"]),
       value=st.one_of(st.floats(max_value=-1e-9, allow_infinity=False, allow_nan=False).map(str),
                       st.text("abcxyz!?", min_size=1, max_size=5)))
def test_no_bad_number_passes(row, column, value):
    from capacity.catalogue.locate import data_folder
    from capacity.catalogue.schema import read_schema
    from capacity.catalogue.tables import RawTable, read_csv, typed

    schema = read_schema(data_folder() / "schema" / "accelerators.yaml")
    raw = read_csv(data_folder() / "accelerators.csv", schema)
    rows = [dict(cells) for cells in raw.rows]
    rows[row][column] = value
    with pytest.raises(InputError, match=rf"accelerators\.csv row {raw.lines[row]}, column `{column}`"):
        typed(RawTable(raw.columns, rows, raw.files, raw.lines), schema)


def header_only(text: str) -> str:
    return text.splitlines()[0] + "\n"


@pytest.mark.parametrize(("change", "words"), [
    (lambda text: "", "the file is empty"),
    (header_only, "no rows below its header"),
    (lambda text: text.replace("memory_gb,", "memory,", 1), "unknown column `memory`.*nearest: `memory"),
    (lambda text: text.replace("memory_gb,", "tdp_w,", 1), "column `tdp_w` is given twice"),
    (lambda text: text + "short,row\n", "2 cells where the header has 33 columns"),
    (lambda text: "\n".join(line.split(",", 1)[1] for line in text.splitlines()), "column `id` is missing"),
])
def test_broken_file(broken, change, words):
    with pytest.raises(InputError, match=words) as caught:
        broken("accelerators", change).table("accelerators")
    assert "accelerators.csv" in str(caught.value)


def test_missing_file(tmp_path):
    from capacity.catalogue.locate import data_folder
    from capacity.catalogue.schema import read_schema
    from capacity.catalogue.tables import read_csv

    with pytest.raises(InputError, match=r"nothing\.csv: no such file"):
        read_csv(tmp_path / "nothing.csv", read_schema(data_folder() / "schema" / "tco.yaml"))


def test_unknown_table_names_the_nearest(cat):
    with pytest.raises(InputError, match=r"no table `acelerators`.*nearest: `accelerators`"):
        cat.table("acelerators")


def test_tables_are_copies(cat):
    mine = cat.table("tco")
    mine["all_in_kw"] = 0.0
    assert (cat.table("tco")["all_in_kw"] > 0).all()


@pytest.mark.parametrize(("text", "words"), [
    ("key: [a]\ncolumns: {a: {type: string}}", "type `string`; allowed: str, int"),
    ("key: [b]\ncolumns: {a: {type: str}}", "`b` in `key` or `ordered` is no column"),
    ("key: [a]\ncolumns: {a: {typ: str}}", "unknown key `typ`.*nearest: `type`"),
    ("columns: {a: {type: str}}", "key `key` is missing"),
    ("key: [a]\nkey: [a]\ncolumns: {a: {type: str}}", "line 2 .*`key` is given twice"),
    ("key: [a\n", "not valid YAML"),
    ("- a", "must hold a mapping"),
])
def test_broken_schema(tmp_path, text, words):
    from capacity.catalogue.schema import read_schema

    path = tmp_path / "table.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=words):
        read_schema(path)
