"""What a plan tells of losses, by hand: one site alone survives nothing; from the second on half is kept at each."""

import pytest

from capacity.errors import AuditError
from capacity.plan import assemble, audit, check_audit, load_plan, print_schedule, save_plan
from capacity.plan.told_losses import last_year, lead
from capacity.problem import build_problem
from capacity.report import write_report
from capacity.solving import Options, solve
from tests.support.frames import frame, small
from tests.support.scenarios import round_catalogue, scenario

CASES = ("loss of A", "A"), ("loss of B", "B")


def growing(keep=0.5, **changes):
    """4 from R in each of two years; A is there, B can open in the second. A machine costs 1 a year at A, 2 at B."""
    cells = [("A", "g", 1, 99.0, 1.0, 1), ("A", "g", 2, 99.0, 1.0, 1), ("B", "g", 2, 99.0, 2.0, 1)]
    return small(**{
        "periods": (1, 2), "order": ("shortage", "cost"),
        "places": frame("place kind", ("A", "site"), ("B", "site"), ("R", "region")),
        "openings": frame("place period objective", ("B", 2, 1.0)),
        "blocks": frame("place block resource capacity existing", ("A", "b", "power", 9.0, 1.0),
                        ("B", "b", "power", 3.0, 0.0)),
        "block_cells": frame("place block period max max_total", ("B", "b", 2, 1.0, 1.0)),
        "assets": frame("asset integer", ("g", False)),
        "asset_uses": frame("asset resource amount", ("g", "power", 1.0)),
        "asset_cells": frame("place asset vintage max objective life", *cells),
        "activities": frame("activity asset commodity output_per_unit slack", ("run", "g", "c", 1.0, 50.0)),
        "demands": frame("demand place commodity period slice amount", ("d1", "R", "c", 1, "all", 4.0),
                         ("d2", "R", "c", 2, "all", 4.0)),
        "assignments": frame("demand place rtt", *((d, p, 10.0) for d in ("d1", "d2") for p in "AB")),
        "failures": frame("case kind element period slice keep", *(
            (case, "place", site, y, "all", keep) for case, site in CASES for y in (1, 2))),
        **changes,
    })


def planned(problem):
    solution = solve(problem, Options(gap=0.0))
    return assemble(None, problem, solution)


@pytest.fixture(scope="module")
def plan():
    return planned(growing())


def test_what_is_left_of_each_loss(plan):
    """2 at A and 2 at B in the second year, the cheapest that keeps 2 of the 4 after either loss."""
    losses = plan.tables["losses"].set_index(["case", "year"])
    for lost, left in (("A", (2000.0, 3.0)), ("B", (2000.0, 9.0))):
        row = losses.loc[f"loss of {lost}", 2]
        assert (row["accelerators"], row["accelerators_left"]) == pytest.approx((4000, left[0]))
        assert (row["facility_mw"], row["facility_mw_left"]) == pytest.approx((12, left[1]))
        assert (row["instances_before"], row["instances_asked"], row["instances_after"]) == pytest.approx(
            (4000, 2000, 2000))
    moves = plan.tables["failover"].set_index(["case", "site"])
    assert moves.loc[("loss of A", "A"), "lost"]
    assert moves.loc[("loss of A", "A"), ["instances_before", "instances_after"]].tolist() == pytest.approx([2000, 0])
    assert moves.loc[("loss of A", "B"), ["instances_before", "instances_after"]].tolist() == pytest.approx(
        [2000, 2000])


def test_from_which_year_it_is_survived(plan):
    losses = plan.tables["losses"]
    assert set(losses["covered_from"]) == {2}
    assert losses.set_index("year")["survived"].groupby("year").any().to_dict() == {1: False, 2: True}
    assert lead(plan) == ("2 losses planned for. Survived in every year: both from 2. In 1 nobody is served: with one "
                          "site in use nothing would be left to serve from.")


def test_years_in_which_no_loss_is_planned_for():
    table = growing().table("failures")
    later = planned(growing(failures=table[table["period"] == 2]))
    losses = later.tables["losses"].set_index(["case", "year"])
    assert not losses.loc[("loss of A", 1), "planned"]
    assert losses.loc[("loss of A", 1), ["accelerators", "accelerators_left"]].tolist() == pytest.approx([4000, 0])
    assert losses.loc[("loss of A", 1), ["instances_asked", "instances_after"]].isna().all()
    assert lead(later).endswith("both from 2. Not planned for in 1.")


def test_all_of_a_class_moves():
    """Everything again at the other: B's block holds 3, so 3 may be served, and all fail over."""
    told = last_year(planned(growing(keep=1.0)))
    assert [loss.moves for loss in told if loss.case == "loss of A"] == ["c: 3k to B"]
    assert [loss.moves for loss in told if loss.case == "loss of B"] == ["nobody is served from there"]


def test_the_audit_recomputes_what_is_told(plan):
    report = audit(None, plan.problem, plan.values, plan.stages, plan.tables)
    check_audit(report)
    checked = report.set_index("topic")["rows_checked"]
    assert checked["what losses leave"] > 0
    assert checked["what fails over"] > 0
    for table, column in (("losses", "accelerators_left"), ("losses", "links_gbps_left"),
                          ("losses", "instances_after"), ("losses", "instances_asked"), ("losses", "covered_from"),
                          ("failover", "instances_before"), ("failover", "instances_after")):
        wrong = plan.tables[table].assign(**{column: plan.tables[table][column] + 1})
        with pytest.raises(AuditError, match=r"losses leave|fails over"):
            check_audit(audit(None, plan.problem, plan.values, plan.stages, {**plan.tables, table: wrong}))


def test_it_is_kept_shown_and_drawn(plan, tmp_path, capsys):
    folder = save_plan(plan, tmp_path / "run")
    for name in ("losses", "failover"):
        (folder / "tables" / f"{name}.parquet").unlink()
    kept = load_plan(folder)
    assert kept.tables["losses"].equals(plan.tables["losses"])
    assert kept.tables["failover"].equals(plan.tables["failover"])
    print_schedule(kept)
    told = capsys.readouterr().out
    assert "Losses, in the last year" in told
    assert "loss of A" in told
    assert "What losses leave" in write_report(kept, tmp_path / "page.html").read_text(encoding="utf-8")


def test_without_losses_nothing_is_told(tmp_path, capsys):
    plain = planned(growing(failures=growing().table("failures").head(0)))
    assert plain.tables["losses"].empty
    assert lead(plain) == ""
    print_schedule(plain)
    assert "Losses" not in capsys.readouterr().out
    assert "losses leave" not in write_report(plain, tmp_path / "page.html").read_text(encoding="utf-8")


def test_one_site_that_can_be_open_is_told_before_the_search(tmp_path):
    """abilene can be open in 2027, hamina (24 months) a year later."""
    cat = round_catalogue(tmp_path)
    resilience, alone = {"any_site": True}, {"include": False}
    told = build_problem(scenario(links=alone, resilience=resilience), cat).words["warnings"]["text"].tolist()
    assert len(told) == 1
    assert "loss of abilene: in 2027 only abilene can be open" in told[0]
    assert "resilience.first: 2028" in told[0]
    later = build_problem(scenario(links=alone, resilience={**resilience, "first": 2028}), cat)
    none = build_problem(scenario(links=alone, resilience={**resilience, "keep": 0.0}), cat)
    assert "warnings" not in later.words
    assert "warnings" not in none.words
