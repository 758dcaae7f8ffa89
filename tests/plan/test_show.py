import io

import pytest
from rich.console import Console

from capacity.plan import print_schedule, schedule
from capacity.plan.numbers import cell, cents, count, dollars, gap, share
from capacity.plan.show import stdout


def printed(plan, width=140, full=False):
    out = io.StringIO()
    print_schedule(plan, Console(file=out, width=width), full)
    return out.getvalue()


def test_the_schedule_is_a_copy(plan):
    table = schedule(plan)
    table["year"] = 0
    assert list(schedule(plan)["year"]) == [2027, 2028]


def test_print_shows_every_part(plan):
    text = printed(plan)
    for part in (
        "Supply first falls short in 2028", "150*", "Pods bought", "Accelerators in service", "8·1·1·1", "think",
        "1,500+20", "Money by topic", "$1.78", "What binds", "2028  supply", "0.68 %", "work-years served",
        "All 1 combinations", "1 of 3 assumptions",
    ):
        assert part in text, part
    assert "Links" not in text


def test_full_adds_the_long_tables(plan):
    added = set(printed(plan, full=True).splitlines()) - set(printed(plan).splitlines())
    for title in ("Phases built", "Links: Gb/s in service", "Instances short by class, averaged over the day"):
        assert title in added


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
@pytest.mark.parametrize("full", [False, True])
def test_nothing_is_cut_off_at_any_width(plan, width, full):
    text = printed(plan, width, full)
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= width


def test_stdout_is_120_wide_where_it_is_no_terminal(monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setattr("sys.stdout", io.StringIO())
    assert stdout().width == 120
    monkeypatch.setenv("COLUMNS", "90")
    assert stdout().width == 90


@pytest.mark.parametrize(("value", "text"), [
    (0.0, "0"), (1.0, "1"), (950.4, "950"), (999.6, "1k"), (12_345, "12.3k"), (1e6, "1M"), (4.561e9, "4.56B"),
    (0.0123, "0.0123"), (float("nan"), "–"), (-2500.0, "-2.5k"), (100.0, "100"), (1200.0, "1.2k"),
])
def test_count(value, text):
    assert count(value) == text


@pytest.mark.parametrize(("value", "text"), [
    (0.0, "0"), (0.12345, "0.123"), (0.0004, "<.001"), (1.2345, "1.23"), (45_678, "45.7k"), (float("nan"), "–"),
])
def test_cell_has_five_characters_at_most(value, text):
    assert cell(value) == text
    assert len(text) <= 5


def test_small_prices_are_told_in_cents():
    assert cents([0.15, float("nan")], "per hour") == ("¢ per hour", 100.0)
    assert cents([0.15, 1.5], "per hour") == ("$ per hour", 1.0)


def test_money_and_shares():
    assert dollars(1.784, cents=True) == "$1.78"
    assert dollars(0.0042, cents=True) == "$0.0042"
    assert dollars(0.5, cents=True) == "$0.5"
    assert (share(1.0), share(0.99999), share(0.0)) == ("100 %", ">99.9 %", "0 %")
    assert dollars(-3e9) == "-$3B"
    assert share(0.0001) == "<0.1 %"
    assert share(0.1234) == "12.3 %"
    assert gap(0.0083) == "0.83 %"
    assert gap(float("inf")) == "–"
