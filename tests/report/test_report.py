import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from html.parser import HTMLParser

import pandas as pd
import pytest

from capacity.errors import InputError
from capacity.plan import assemble
from capacity.problem import Problem
from capacity.report import write_report
from capacity.report.accounts import accounts_section, day_section, options_section
from capacity.report.charts import Band, by_year, log_line, stacked
from capacity.report.marks import PALETTE, ticks
from capacity.report.offers import offers_section
from capacity.report.page import SECTIONS, page
from capacity.report.world_map import _arcs, world_map
from capacity.report.worth import worth_section
from tests.plan.test_tokens import asked


class Balance(HTMLParser):
    """Every tag that opens closes, in order."""

    def __init__(self):
        super().__init__()
        self.open = []

    def handle_starttag(self, tag, attrs):
        if tag not in {"meta", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_one_file_that_fetches_nothing(plan, tmp_path):
    text = write_report(plan, tmp_path / "deep" / "report.html").read_text()
    assert not re.search(r"https?:|src=|@import|url\((?!#)", text)
    assert [p.name for p in (tmp_path / "deep").iterdir()] == ["report.html"]
    assert len(text) < 500_000


def test_the_markup_is_balanced_and_every_picture_is_xml(plan):
    text = page(plan)
    parser = Balance()
    parser.feed(text)
    assert parser.open == []
    pictures = re.findall(r"<svg.*?</svg>", text, flags=re.S)
    assert len(pictures) == 5
    for picture in pictures:
        assert ET.fromstring(picture).get("aria-label")


def test_every_section_that_says_something_is_there_and_linked(plan):
    text = page(plan)
    for anchor, _, _, draw in SECTIONS:
        says = bool(draw(plan))
        assert (f'id="{anchor}"' in text) is says
        assert (f'href="#{anchor}"' in text) is says
    silent = [anchor for anchor, _, _, draw in SECTIONS if not draw(plan)]
    assert set(silent) <= {"options", "day", "losses"}, "what a plan need not have"


TOLD = {
    "onsite": pd.DataFrame([("S", "turbines", 2028, 2.0, 25.0, 12.5)],
                           columns=["site", "name", "year", "built", "mw", "mean_mw"]),
    "reservations": pd.DataFrame([("S", "chip", "two <years>", 2027, 2028, 900.0)],
                                 columns=["site", "accelerator", "contract", "year", "last", "accelerators"]),
    "training": pd.DataFrame([("big run", "S", "chip", "chip pod", 2027, 9.0, 2000.0, 31.6, 12.6, 5e7)], columns=[
        "run", "site", "accelerator", "pod", "year", "months", "accelerators", "energy_gwh", "carbon_kt", "cost_usd"]),
}


def test_power_contracts_and_runs_are_told_where_there_are_any(plan):
    text = options_section(replace(plan, tables={**plan.tables, **TOLD}))
    for part in ("On-site power", "turbines", "12", "two &lt;years&gt;", "2027–2028", "big run", "$50M", "31.6"):
        assert part in text, part
    assert options_section(plan) == ""


def test_prices_hold_their_margin_and_their_year(problem, solution):
    """4,000 of 2027 in 2027 at a cost of c an hour: with a margin of 20 % of the price it sells for c / 0.8."""
    scenario = asked()
    money = scenario.money.model_copy(update={"margin": 0.2, "debt_share": 0.5})
    plan = assemble(scenario.model_copy(update={"money": money}), problem, solution)
    text = accounts_section(plan)
    row = plan.tables["prices"].iloc[0]
    assert row["price_usd_per_instance_hour"] == pytest.approx(row["cost_usd_per_instance_hour"] / 0.8)
    for part in ("The price holds a margin of 20", "in 2026 money", "book value", "interest"):
        assert part in text, part
    assert "No margin is asked for" in accounts_section(assemble(scenario, problem, solution))


def test_the_day_is_told_by_slice(problem, solution):
    hours = pd.DataFrame({"slice": ["night", "noon"], "hours": [4000.0, 4000.0]})
    daily = problem.table("demands").assign(slice="")
    split = Problem.of({**{n: t for n, t in problem.tables.items() if len(t) and n != "serve_loads"},
                        "slices": hours, "demands": daily}, problem.words, "split")
    use = pd.DataFrame([("S", "run", 2028, "night", 3.0), ("S", "run", 2028, "noon", 1.0)],
                       columns=["place", "activity", "period", "slice", "value"])
    text = day_section(assemble(None, split, replace(solution, values={**solution.values, "use": use})))
    for part in ("think (batch)", "night", ">3k<", ">1k<", "all classes", "leave room"):
        assert part in text, part


def test_what_a_reader_looks_for(plan):
    text = page(plan)
    for part in (
        "Supply first falls short in 2028: 20.0 %", "$1.78", "8 · 1 · 1 · 1", "1,500 + 20", "Southport", "Riverland",
        '<span class="chip estimate">estimate</span>', "least shortage", "0.68 %", "3 numbers, 1 of them estimates",
        "wages of $40.00–40.00/h",
    ):
        assert part in text, part


def test_names_are_escaped(problem, solution):
    sites = problem.words["sites"].assign(name="<b>&South</b>")
    plan = assemble(None, replace(problem, words={**problem.words, "sites": sites}), solution)
    text = page(replace(plan, name="<script>"))
    assert "<b>&South" not in text
    assert "<script>" not in text


def test_a_plan_without_words_is_drawn(problem, solution):
    bare = assemble(None, replace(problem, words={}), solution)
    text = page(bare)
    assert "chip pod" in text
    assert "nan" not in re.sub(r"<style>.*?</style>", "", text, flags=re.S).lower().replace("nanotech", "")


def test_an_empty_plan_is_drawn(problem, solution):
    nothing = {"short": pd.DataFrame({"demand": ["d27", "d28"], "value": [4.0, 10.0]})}
    plan = assemble(None, problem, replace(solution, values=nothing))
    text = page(plan)
    assert "Supply first falls short in 2027: 100 %" in text
    assert "No serving configuration is in use." in text


def test_a_path_that_cannot_be_written(plan, tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="cannot write the report"):
        write_report(plan, tmp_path / "file" / "report.html")


@pytest.mark.parametrize(("top", "last", "steps"), [(0.0, 1.0, 2), (1.0, 1.0, 6), (7.3, 8.0, 5), (43.1, 50.0, 6)])
def test_ticks(top, last, steps):
    found = ticks(top)
    assert found[-1] == pytest.approx(last)
    assert len(found) == steps


def test_small_series_are_summed_as_other():
    frame = pd.DataFrame({"name": [f"n{i:02d}" for i in range(12)], "year": 2030, "value": range(1, 13)})
    wide = by_year(frame, "name", "value", [2030, 2031])
    assert len(wide) == len(PALETTE)
    assert wide.index[-1] == "other (4)"
    assert wide[2030].sum() == sum(range(1, 13))


def test_bar_heights_are_in_proportion():
    wide = pd.DataFrame({2030: [1.0, 3.0]}, index=["a", "b"])
    bars = re.findall(r'height="([\d.]+)" fill="#', stacked(wide, str, "u", "l"))
    heights = [float(h) for h in bars if h != "5"]
    assert heights[1] / heights[0] == pytest.approx(3.0, rel=0.01)


def test_a_link_over_the_date_line_is_cut():
    assert len(_arcs(140.0, 35.0, -120.0, 40.0)) == 2
    assert len(_arcs(0.0, 0.0, 10.0, 0.0)) == 1
    assert _arcs(5.0, 5.0, 5.0, 5.0) == []


def test_the_map_draws_site_region_and_label(plan):
    text = world_map(plan)
    assert text.count('class="site"') == 1
    assert text.count('class="region"') == 1
    assert ">Southport</text>" in text
    assert ">Riverland</text>" in text


def test_a_decade_has_the_same_height_everywhere():
    """Values 0.01, 0.1 and 10 on an axis from 0.01 to 100: heights 0, 1 and 3 of 4 decades."""
    picture = log_line(pd.Series([0.01, 0.1, 10.0], index=[2027, 2028, 2029]), str, "$", "l", [Band("b", 1, 100, "x")])
    points = re.search(r'points="([^"]+)"', picture)[1].split()
    heights = [float(p.split(",")[1]) for p in points]
    assert heights[0] - heights[2] == pytest.approx(3 * (heights[0] - heights[1]), abs=0.2)
    band = float(re.search(r'height="([\d.]+)" class="band x"', picture)[1])
    assert band == pytest.approx(2 * (heights[0] - heights[1]), abs=0.2)


def test_a_log_axis_without_values_has_one_decade():
    picture = log_line(pd.Series([float("nan"), 0.0], index=[2027, 2028]), str, "$", "l")
    assert ET.fromstring(picture).get("aria-label") == "l"
    assert "<circle" not in picture


def test_costs_stand_over_wages_and_api_prices(problem, solution):
    text = worth_section(assemble(asked(), problem, solution))
    assert "nominal wages: $40.00 an hour" in text
    assert "same tokens at API list prices: $" in text
    assert '<span class="chip estimate">estimate</span>' in text
    assert "this plan, 2028" in text
    assert "API" not in worth_section(assemble(None, problem, solution))


def test_choices_not_on_offer_are_told_with_their_reason(problem, solution):
    refused = pd.DataFrame([("think", "big", "t4", "big on t4: does not fit <here>")],
                           columns=["service_class", "variant", "pod", "reason"])
    trips = pd.DataFrame([("R", "S", 20.0, 1e3, "measured")], columns=["source", "target", "rtt_ms", "km", "basis"])
    words = {**problem.words, "refused": refused, "trips": trips}
    text = offers_section(assemble(None, replace(problem, words=words), solution))
    assert "1 of 2 combinations" in text
    assert "does not fit &lt;here&gt;" in text
    assert "<td class=\"text\">measured</td><td class=\"number\">1</td><td class=\"number\">100 %</td>" in text


def test_guesses_are_marked_beside_the_pods(problem, solution):
    pods = problem.words["pods"].assign(confidence="estimate")
    text = page(assemble(None, replace(problem, words={**problem.words, "pods": pods}), solution))
    assert 'chip pod <span class="chip estimate">estimate</span>' in text


def test_the_shortage_goal_is_told_in_its_unit(problem, solution):
    assert "% of a year&#x27;s demand, summed over years" in page(assemble(asked(), problem, solution))
