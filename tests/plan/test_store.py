import json

import pandas as pd
import pytest

from capacity.errors import InputError
from capacity.plan import audit, check_audit, export_plan, load_plan, save_plan


def same_tables(a, b):
    for name, table in a.tables.items():
        pd.testing.assert_frame_equal(table.reset_index(drop=True), b.tables[name], check_dtype=False)


def test_a_plan_comes_back_whole(plan, tmp_path):
    folder = save_plan(plan, tmp_path / "run")
    back = load_plan(folder)
    same_tables(plan, back)
    assert back.summary == json.loads(json.dumps(plan.summary))
    assert list(back.stages["objective"]) == [2.0, 148.0]
    assert (folder / "assumptions.csv").read_text().startswith("what,value,unit,confidence,source")


def test_the_audit_reruns_from_disk(plan, tmp_path):
    back = load_plan(save_plan(plan, tmp_path / "run"))
    report = audit(back.scenario, back.problem, back.values, back.stages)
    check_audit(report)
    assert report["rows_checked"].sum() > 30


def test_saving_again_replaces_and_leaves_nothing_beside(plan, tmp_path):
    save_plan(plan, tmp_path / "run")
    (tmp_path / "run" / "old.txt").write_text("old")
    save_plan(plan, tmp_path / "run")
    assert not (tmp_path / "run" / "old.txt").exists()
    assert [p.name for p in tmp_path.iterdir()] == ["run"]


def test_a_failed_save_leaves_the_old_plan(plan, tmp_path):
    from dataclasses import replace

    save_plan(plan, tmp_path / "run")
    with pytest.raises(ValueError, match="Out of range float"):
        save_plan(replace(plan, summary={"gap": float("nan")}), tmp_path / "run")
    assert load_plan(tmp_path / "run").status == "gap_reached"
    assert [p.name for p in tmp_path.iterdir()] == ["run"]


def test_a_folder_of_something_else_is_not_overwritten(plan, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("keep")
    with pytest.raises(InputError, match="nothing is overwritten"):
        save_plan(plan, tmp_path / "mine")
    assert (tmp_path / "mine" / "notes.txt").read_text() == "keep"


def test_no_plan_here(tmp_path):
    with pytest.raises(InputError, match=r"plan\.json is missing"):
        load_plan(tmp_path)


@pytest.mark.parametrize(("path", "text", "message"), [
    ("plan.json", "{", "damaged"),
    ("plan.json", "[]", "must have the keys"),
    ("tables/fleet.parquet", "not parquet", r"fleet\.parquet: damaged"),
])
def test_a_damaged_plan_names_the_file(plan, tmp_path, path, text, message):
    folder = save_plan(plan, tmp_path / "run")
    (folder / path).write_text(text)
    with pytest.raises(InputError, match=message):
        load_plan(folder)


def test_a_missing_table_is_named(plan, tmp_path):
    folder = save_plan(plan, tmp_path / "run")
    (folder / "tables" / "fleet.parquet").unlink()
    with pytest.raises(InputError, match=r"fleet\.parquet is missing"):
        load_plan(folder)


def test_csv(plan, tmp_path):
    folder = export_plan(plan, tmp_path / "csv", "csv")
    schedule = pd.read_csv(folder / "schedule.csv")
    assert list(schedule["instances_served"]) == [4000, 8000]
    assert "USD/h" in set(pd.read_csv(folder / "columns.csv")["unit"])


def test_xlsx(plan, tmp_path):
    book = pd.read_excel(export_plan(plan, tmp_path / "plan.xlsx", "xlsx"), sheet_name=None)
    assert next(iter(book)) == "schedule"
    assert list(book["money"].columns) == list(plan.tables["money"].columns)
    assert [p.name for p in tmp_path.iterdir()] == ["plan.xlsx"]


def test_xlsx_without_openpyxl(plan, tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "openpyxl", None)
    monkeypatch.setitem(sys.modules, "openpyxl.styles", None)
    with pytest.raises(InputError, match="xlsx needs openpyxl"):
        export_plan(plan, tmp_path / "plan.xlsx", "xlsx")
    assert not list(tmp_path.iterdir())


def test_json(plan, tmp_path):
    data = json.loads(export_plan(plan, tmp_path / "plan.json", "json").read_text())
    assert data["tables"]["served"][1]["instances_short"] == 2000


def test_an_unknown_format_names_the_nearest(plan, tmp_path):
    with pytest.raises(InputError, match="nearest: 'xlsx'"):
        export_plan(plan, tmp_path / "x", "xls")


def test_a_path_that_cannot_be_written(plan, tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="cannot write"):
        export_plan(plan, tmp_path / "file" / "plan.json", "json")
    with pytest.raises(InputError, match="cannot write"):
        save_plan(plan, tmp_path / "file" / "plan")
