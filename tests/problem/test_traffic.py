"""Traffic that chooses its way, users' ways over lit links, totals instead of a matrix, losses: from a scenario."""

import pandas as pd
import pytest

from capacity.errors import InputError
from capacity.network.rtt import wan_figures
from capacity.plan import assemble, audit, check_audit
from capacity.problem import build_problem
from capacity.problem.demand import demands
from capacity.problem.wan import links
from capacity.scenario.check import disagreements
from capacity.serving import weight_bytes
from capacity.solving import Options, solve
from tests.support.scenarios import scenario

SITES = {"abilene": None, "hamina": None, "singapore": None}
LINE = [{"between": ["abilene", "hamina"], "km": 9000}, {"between": ["hamina", "singapore"], "km": 12000}]


def made(asked, reach=None):
    table, _ = demands(asked)
    everywhere = pd.DataFrame({"place": [s.id for s in asked.sites], "rtt": 150.0})
    assigned = table[["demand"]].merge(everywhere, how="cross")
    return links(asked, table, assigned, reach)


def test_free_traffic_follows_what_is_open_and_what_is_served(world):
    """The hub of the line is hamina; weights in two hours to each of the others while open; state to the neighbour."""
    asked = world(sites=SITES, links={"table": LINE, "only_table": True, "routing": "free", "update_hours": 2})
    tables, _ = made(asked)
    gbps = weight_bytes(asked.catalogue.model("gpt-oss-120b"), "fp4") * 8 / 7200 / 1e9
    assert "serve_loads" not in tables
    assert "open_loads" not in tables
    terms = tables["flow_terms"]
    opens = terms[terms["variable"] == "open"]
    assert opens["coefficient"].tolist() == pytest.approx([gbps] * len(opens))
    assert set(opens["sink"]) == {"abilene", "singapore"}
    weights = tables["flows"][tables["flows"]["flow"].str.startswith("weights")]
    assert set(weights["source"]) == {"hamina"}
    state = terms[terms["variable"] == "serve"]
    assert set(zip(state["item"], state["sink"], strict=True)) == {
        ("abilene", "hamina"), ("hamina", "abilene"), ("singapore", "hamina")}
    assert len(set(state["coefficient"])) == 1


def test_waves_of_several_sizes_lead_time_and_most(world):
    table = [{**LINE[0], "lead_time": "12 months", "most": "1 Tb/s", "existing": "200 Gb/s"}, LINE[1]]
    wave = {"table": table, "only_table": True, "modules": ["100 Gb/s", "400 Gb/s"], "full_duplex": True}
    tables, words = made(world(sites=SITES, links=wave))
    waves = tables["modules"].set_index(["link", "module", "period"])
    assert (("abilene--hamina", "wave 400G", 2027) in waves.index, ("abilene--hamina", "wave 400G", 2028) in waves.index
            ) == (False, True)
    first = waves.loc[("hamina--singapore", "wave 100G", 2027)]
    large = waves.loc[("hamina--singapore", "wave 400G", 2027)]
    assert first["cash"] * 4 / large["cash"] == pytest.approx(1.7)
    assert waves.loc[("abilene--hamina", "wave 400G", 2028), "max"] <= 2
    assert tables["links"].set_index("link")["existing"].to_dict() == {"abilene--hamina": 200, "hamina--singapore": 0}
    assert set(tables["links"]["mode"]) == {"each_way"}
    assert words["basis"].tolist() == ["table", "table"]


def test_users_take_lit_links_where_those_are_faster(world):
    """150 ms over the internet to every site; a lit way of 5,000 km from a nearer one is faster. Answers are 3 times
    the prompts."""
    asked = world(sites=SITES, links={"user_routes": 2, "table": [{**LINE[0], "km": 5000}, LINE[1]],
                                      "only_table": True})
    tables, _ = made(asked, pd.Series({"chat": 160.0}))
    ways = tables["assignment_paths"].merge(tables["paths"], on="path")
    lit = ways[ways["path"].isin(tables["path_links"]["path"])]
    assert len(lit) > 0
    assert (lit["rtt"] < 150).all()
    figures = wan_figures(asked.catalogue)
    prompts = 10_000 / 3600 * figures["text_bytes_per_token"] * figures["request_framing"] * 8 * 1000 / 1e9
    assert lit["load"].tolist() == pytest.approx([prompts] * len(lit))
    assert lit["load_back"].tolist() == pytest.approx([3 * prompts] * len(lit))
    plain = ways[~ways["path"].isin(tables["path_links"]["path"])]
    assert (plain[["load", "load_back"]] == 0).all(axis=None)
    assert (plain["rtt"] == 150).all()
    assert set(zip(lit["demand"], lit["place"], strict=True)) <= set(zip(plain["demand"], plain["place"], strict=True))


def test_losses_in_the_busiest_slice_of_each_year(world):
    lost = {"routing": "free", "survive": "any link or site", "survive_share": "80 %"}
    tables, words = made(world(sites=SITES, links=lost))
    table = tables["failures"]
    assert len(table) == (len(words) + 3) * 2
    assert set(table["keep"]) == {0.8}
    assert table.groupby(["case", "period"]).size().max() == 1


@pytest.mark.parametrize(("asked", "told"), [
    ({"survive": "any link"}, "needs traffic that can take other ways; add `routing: free`"),
    ({"hose": {"hamna": {"out": "1 Gb/s", "into": "1 Gb/s"}, "hamina": {"out": "1 Gb/s", "into": "1 Gb/s"}}}, "hamna"),
    ({"only_table": True}, "leaves no link at all"),
])
def test_contradictions_are_named(asked, told):
    assert any(told in message or told in path for path, message in disagreements(scenario(links=asked)))


def test_a_link_to_nowhere(world):
    with pytest.raises(InputError, match=r"links\.table row 1: `paris` is no site"):
        made(world(sites=SITES, links={"table": [{"between": ["abilene", "paris"]}]}))


def test_a_whole_scenario_is_solved_and_audited(world):
    hose = {name: {"out": "50 Gb/s", "into": "50 Gb/s"} for name in ("abilene", "hamina")}
    asked = world(sites=SITES, links={"routing": "free", "user_routes": 2, "survive": "any link", "hose": hose})
    problem = build_problem(asked.scenario, asked.catalogue)
    solution = solve(problem, Options(gap=0.05, threads=1))
    plan = assemble(asked.scenario, problem, solution)
    report = audit(asked.scenario, problem, solution.values, plan.stages)
    check_audit(report)
    flows = plan.tables["flows"]
    assert {"mirrored state", "new weights"} <= set(flows["traffic"])
    assert report.set_index("topic").loc["after failures: links carry the traffic", "rows_checked"] > 0
