import io

import pytest
from rich.console import Console

from capacity.plan import print_schedule, schedule
from capacity.plan.numbers import count, dollars, gap, share


def printed(plan, width=140):
    out = io.StringIO()
    print_schedule(plan, Console(file=out, width=width))
    return out.getvalue()


def test_the_schedule_is_a_copy(plan):
    table = schedule(plan)
    table["year"] = 0
    assert list(schedule(plan)["year"]) == [2027, 2028]


def test_print_shows_every_part(plan):
    text = printed(plan)
    for part in (
        "Supply first falls short in 2028", "150*", "Pods bought", "Accelerators in service", "Links", "8·1·1·1",
        "think", "1,500+20", "Money by topic", "$1.78", "What binds", "2028  supply", "0.68 %",
    ):
        assert part in text, part


@pytest.mark.parametrize(("value", "text"), [
    (0.0, "0"), (1.0, "1"), (950.4, "950"), (999.6, "1k"), (12_345, "12.3k"), (1e6, "1M"), (4.561e9, "4.56B"),
    (0.0123, "0.0123"), (float("nan"), "–"), (-2500.0, "-2.5k"), (100.0, "100"), (1200.0, "1.2k"),
])
def test_count(value, text):
    assert count(value) == text


def test_money_and_shares():
    assert dollars(1.784, cents=True) == "$1.78"
    assert dollars(0.0042, cents=True) == "$0.0042"
    assert dollars(0.5, cents=True) == "$0.5"
    assert (share(1.0), share(0.99999), share(0.0)) == ("100 %", ">99.9 %", "0 %")
    assert dollars(-3e9) == "-$3B"
    assert share(0.0001) == "<0.1 %"
    assert share(0.1234) == "12.3 %"
    assert gap(0.0083) == "0.83 %"
