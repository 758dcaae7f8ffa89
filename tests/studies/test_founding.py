"""The founding question: arithmetic exactly, what the model computes within bands, and flips that really flip."""

import math

import pytest

from capacity.catalogue import load_catalogue
from capacity.errors import InputError
from capacity.studies.founding import ARGUMENTS, Argument, Facts, Figure, Input, Outcome, Part, find, named
from capacity.studies.founding.record import amount, flips, ranged, record, sensitivity, summary
from capacity.studies.founding.say import share, short, usd
from capacity.studies.founding.work import GPT3, parameters, scaled

SOLVED = ("eight-billion", "share")
HEAVY = ("words", "competition", "fit", "consumer", "race", "distillation")
"""Those that search many plans or solve one: long."""
QUICK = [a.name for a in ARGUMENTS if a.name not in (*SOLVED, *HEAVY)]
ROWS = {
    "750 words, 1000x": "words", "ladder of operations": "ladder", "1e14 operations": "operations",
    "consumer GPUs and phones": "consumer", "competition": "competition", "storage against bandwidth": "sweep",
    "hundreds of GPUs": "fit", "8 billion": "eight-billion", "largest model of a cluster": "largest",
    "weight streaming": "streaming", "pipelining and width": "pipelining", "1000x faster": "speed",
    "brains": "brains", "MoE": "experts", "distillation": "distillation", "experience curves": "race",
    "price of compute, profit, training": "price", "share of inference": "share", "context and samples": "context",
    "few copies, overhang": "overhang", "factors of 1000 in the human range": "doubling",
}


@pytest.fixture(scope="module")
def facts():
    return Facts(load_catalogue())


def outcome(facts, name):
    argument = named(name)
    return argument.compute(facts, {given.name: given.mid for given in argument.inputs(facts)})


def figures(found):
    return {figure.words: figure.value for figure in found.figures}


def test_every_row_of_the_question_has_an_argument_and_no_name_comes_twice():
    assert sorted(ROWS.values()) == sorted(argument.name for argument in ARGUMENTS)
    assert len({argument.title for argument in ARGUMENTS}) == len(ARGUMENTS)


def test_the_ladder_of_operations(facts):
    found = figures(outcome(facts, "ladder"))
    assert found["the 250x as it was computed"] == pytest.approx(240.0)
    assert found["the 250x at one rate and $1 an hour"] == pytest.approx(57.6)
    assert found["operations a word"] == pytest.approx(2 * 175 * 1.33 / 1000, rel=0.01)
    assert 0.02 < found["share of peak operations achieved"] < 0.2


def test_streaming_arithmetic(facts):
    found = outcome(facts, "streaming")
    told = figures(found)
    assert told["overlapped"] == pytest.approx(1.04, abs=1e-9)
    assert told["five at a time"] == pytest.approx(1.8, abs=1e-9)
    assert told["where the fetch is transfer"] == pytest.approx(4.01, abs=1e-9)
    assert told["by lane arithmetic"] == pytest.approx((300 - 48) / 252, abs=1e-9)
    assert told["four cards and half of the lanes"] == pytest.approx((300 - 48) / 126, abs=1e-9)
    assert told["GPT-3 streamed to eight small cards"] == pytest.approx((300 - 48) / 204.8, abs=1e-9)
    links = found.tables["links"].set_index(["link", "cards"])["seconds"]
    assert links["pcie4x16", 8] == pytest.approx(1000 / (8 * 31.5))
    ahead = found.tables["look-ahead"].set_index("slots")["seconds"]
    assert (ahead.diff().dropna() <= 1e-12).all()
    assert ahead[5] == pytest.approx(1.04)


def test_streaming_is_for_few_readers(facts):
    tables = outcome(facts, "streaming").tables
    loads = tables["by load"]
    talk = loads[loads["limit_s"] == 0.5]
    for kind in ("resident", "streamed"):
        assert (talk[kind].diff().dropna() >= 0).all()
    first, last = talk.iloc[0], talk.iloc[-1]
    assert first["streamed"] < first["resident"]
    assert last["streamed"] > last["resident"]
    found = figures(outcome(facts, "streaming"))
    few, slow = (found[f"{words} s a token"] for words in ("load up to which streaming is the cheapest, at 0.5",
                                                           "and at 20"))
    assert 1 < few < 100  # a slack limit helps resident weights too, so neither figure need be the larger
    assert 1 < slow < 100
    per = tables["resident and streamed"].pivot_table(index=["accelerator", "limit_s"], columns="kind",
                                                      values="usd_per_mtok").dropna()
    assert (per["streamed"] > per["resident"]).all()
    tera = tables["a terabyte by machines"]
    assert not ((tera["machines"] == 1) & (tera["kind"] == "resident")).any()
    one = tera[(tera["machines"] == 1) & (tera["kind"] == "streamed")].set_index("accelerator")["tpot_s"]
    held = 8 * facts.catalogue.accelerator("h100-sxm").memory_usable_gb * 2**30 / 1e9
    assert one["h100-sxm"] >= (1000 - held) / 252 * 0.99  # eight cards on four links of PCIe 5
    small = tera[(tera["accelerator"] == "rtx4090") & (tera["kind"] == "streamed")].set_index("machines")["tpot_s"]
    assert small[4] < small[2] / 2  # each machine pulls its part, and more of it stays
    assert "2 machines simply hold it" in outcome(facts, "streaming").reading


def test_memory_outside_the_accelerators_is_paid_for(facts):
    from capacity.studies.founding.streaming_price import copy_hour, hours, offers

    given = {i.name: i.mid for i in named("streaming").inputs(facts)}
    table = offers(facts)
    cost, free = copy_hour(facts, given, table), table["accelerators"] * table["accelerator"].map(hours(facts, given))
    streamed = table["streamed"] & (table["from"] == "host")
    assert (cost[~table["streamed"]] == free[~table["streamed"]]).all()
    assert (table.loc[streamed, "kept_gb"] <= 175).all()
    twice = copy_hour(facts, {**given, "memory": 2.0}, table)
    assert (twice - free)[streamed].to_numpy() == pytest.approx(2 * (cost - free)[streamed].to_numpy())
    yearly = 6 * (facts.catalogue.constant("upkeep_share_per_year") + 0.2359) / 8766 / 0.6  # 6 USD a GB, 5 years at 9 %
    assert ((cost - free) / table["kept_gb"])[streamed].to_numpy() == pytest.approx(yearly, rel=1e-3)


def test_operations_are_served_and_not_assumed(facts):
    found = outcome(facts, "operations")
    told, cost = figures(found), found.tables["cost"].set_index("accelerator")
    used = told["share of peak operations that serving achieves"]
    assert 0.05 < used < 1
    peak = facts.catalogue.accelerator("b200-sxm").bf16_tflops * 1e12
    given = {i.name: i.mid for i in named("operations").inputs(facts)}
    assert told["hour at 1e14 operations/s"] == pytest.approx(
        facts.hour("b200-sxm", 2025, given) * 1e14 / (used * peak), rel=1e-9)
    assert told["hour at 1e17 operations/s"] == pytest.approx(1000 * told["hour at 1e14 operations/s"])
    assert cost["usd_per_hour_at_1e14"].isna()["v100-sxm2-32"]  # no plan keeps a human's pace on it
    assert cost["usd_per_hour_at_1e14"].notna()["a100-sxm-80"]  # with heads that split over enough of them
    assert (cost["usd_per_hour_at_1e14_slowly"].dropna() <= cost["usd_per_hour_at_1e14"].dropna().reindex(
        cost["usd_per_hour_at_1e14_slowly"].dropna().index).fillna(1e9) * (1 + 1e-9)).all()


def test_the_largest_model_turns_with_the_limit_and_with_the_cluster(facts):
    argument = named("largest")
    mid = {given.name: given.mid for given in argument.inputs(facts)}

    def held(name, value):
        return argument.compute(facts, {**mid, name: value}).held
    assert outcome(facts, "largest").held == (False, False)
    assert held("limit", mid["limit"] / 2) == (False, True)
    assert held("cluster", mid["cluster"] / 7) == (False, True)
    gib = facts.catalogue.accelerator("a100-sxm-80").memory_usable_gb * 2**30
    enough = 2 * 1000 * parameters(facts.catalogue.model(GPT3)) / gib
    assert held("cluster", enough * 0.99)[0]
    assert not held("cluster", enough * 1.01)[0]


def test_a_model_that_nobody_built_may_have_heads_that_split_over_more(facts):
    from capacity.studies.founding.memory import largest
    from capacity.studies.founding.shapes import shapes, widths
    from capacity.studies.founding.work import PATIENT

    built = facts.catalogue.model(GPT3)
    assert shapes(built) == (built,)
    card = scaled(built, 30.0)
    assert [shape.heads for shape in shapes(card)] == [304, 320, 384]
    assert all(shape.heads <= card.heads * 4 / 3 for shape in shapes(card))
    for shape in shapes(card):
        assert parameters(shape) == pytest.approx(parameters(card), rel=0.1)
        assert shapes(shape)[1:] in ((), shapes(card)[1:])  # what was rounded is not rounded again
    assert widths(96) == [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 96]
    sizes = [largest(facts, "a100-sxm-80", cluster, PATIENT) for cluster in (576, 4608, 32768)]
    assert sizes == sorted(sizes)
    assert sizes[-1] > 1000 * parameters(built)


def test_a_phone_is_served_like_any_accelerator(facts):
    devices = outcome(facts, "consumer").tables["devices"].set_index("device")
    phone = devices.loc["phone of 2025"]
    assert phone["tpot_s_alone"] > 0.02
    assert phone["largest_model_alone"] != "none"
    assert (devices["tpot_s_alone"] > devices["sweep_of_memory_s"] / 2).all()


def test_what_is_told_has_names_and_what_is_computed_has_ids(facts):
    from capacity.studies.founding import told

    plain, worded = find(named("sweep"), facts), told(named("sweep"), facts)
    assert "v100-sxm2-32" in plain.outcome.parts[0].found
    assert "V100 SXM2 32GB" in worded.outcome.parts[0].found
    assert "archetype of 2034" in worded.outcome.parts[0].found
    assert next(iter(worded.outcome.charts[0].data.index)) == "V100 SXM2 32GB"
    assert worded.outcome.tables["sweep"]["accelerator"].iloc[0] == "v100-sxm2-32"
    assert worded.outcome.figures[0].basis == plain.outcome.figures[0].basis


def test_an_input_whose_values_take_a_plan_is_looked_at_within_its_range_alone(facts):
    from dataclasses import replace

    looked = []
    base = straight(7.0, 1, 2, 9)
    (given,) = base.inputs(facts)

    def compute(facts, values):
        looked.append(values["x"])
        return base.compute(facts, values)
    found = find(replace(base, inputs=lambda facts: (replace(given, search="range"),), compute=compute), facts)
    (swing,) = found.swings
    assert 7.0 <= swing.flip_above <= 7.0 * 1.15
    assert swing.flip_below is None
    assert max(looked) <= 9
    assert len(looked) < 12
    ends = find(replace(base, inputs=lambda facts: (replace(given, search="ends"),)), facts).swings[0]
    assert (ends.stands, ends.flip_above) == (False, None)


def test_gpt3_needs_a_dozen_v100_not_hundreds(facts):
    card = facts.catalogue.model(GPT3)
    assert parameters(card) == pytest.approx(175e9, rel=0.01)
    assert math.ceil(parameters(card) * 2 / (32 * 2**30)) == 11


def test_scaled_models_have_the_size_asked_for(facts):
    card = facts.catalogue.model(GPT3)
    for size, depth in ((1, 1), (1, 8), (10, 1), (100, 1), (1000, 0.5)):
        assert parameters(scaled(card, size, depth)) == pytest.approx(size * 175e9, rel=0.35)


def test_speed_and_latency_within_bands(facts):
    speed = figures(outcome(facts, "speed"))
    assert 5 < speed["fastest thought against a human, GPT-3's size"] < 60
    assert 0.1 < speed["and of a 1000x model"] < 3
    latency = figures(outcome(facts, "pipelining"))
    assert 8 < latency["token of a 1000x model against GPT-3, best widths"] < 120
    assert outcome(facts, "pipelining").verdict == "holds"
    assert outcome(facts, "speed").held == (True, False)


def test_samples_cost_less_than_their_number_and_context_more(facts):
    table = outcome(facts, "context").tables["cost"]
    fresh = table[~table["cached"] & (table["context"] == 2048)]
    for _, part in fresh.groupby("model"):
        cost = part.set_index("samples")["times_greedy_2048"]
        assert 4 < cost[16] < 16
        assert cost.is_monotonic_increasing
    long = table[(table["samples"] == 1) & (table["context"] == 131072)]
    assert (long[~long["cached"]]["times_greedy_2048"].to_numpy() > long[long["cached"]]["times_greedy_2048"].to_numpy()
            ).all()


def test_a_fleet_loses_about_half_with_each_doubling(facts):
    found = figures(outcome(facts, "doubling"))
    assert 0.4 < found["instances lost per doubling"] < 0.6


def test_wages_bear_their_overhead(facts):
    from capacity.studies.founding.copies import wage

    usa = facts.catalogue.table("regions").set_index("id").loc["usa"]
    assert wage(facts)["usa"] == pytest.approx(usa["wage_usd_h"] * (1 + usa["overhead_share"]))


@pytest.mark.parametrize("name", QUICK)
def test_no_argument_breaks_at_the_ends_of_its_inputs(facts, name):
    argument = named(name)
    inputs = argument.inputs(facts)
    mid = {given.name: given.mid for given in inputs}
    for given in inputs:
        assert given.low <= given.mid <= given.high
        for value in (given.low, given.high):
            found = argument.compute(facts, {**mid, given.name: value})
            assert found.parts
            assert found.figures
            assert found.verdict
            assert "nan" not in found.reading
            assert all("nan" not in part.found for part in found.parts)


def test_a_trend_that_lasts_too_long_is_found_out_once(facts, monkeypatch):
    from capacity.errors import InfeasibleError
    from capacity.studies.founding import training

    asked = []

    def trained(facts, run, given, lasts):
        asked.append(lasts)
        if lasts > 6.5:
            raise InfeasibleError("no plan bears it")
        return lasts
    monkeypatch.setattr(training, "trained", trained)
    fresh = Facts(facts.catalogue)
    given = {"growth": 4.5, "lasts": 8.0}
    assert training.longest(fresh, None, given) == (6.0, 6.0)
    assert asked == [8.0, 7.0, 6.0]
    assert training.longest(fresh, None, {**given, "lasts": 12.0}) == (6.0, 6.0)
    assert asked[3:] == [6.0]
    assert training.longest(fresh, None, {**given, "growth": 5.0})[1] == 6.0
    assert asked[4:] == [8.0, 7.0, 6.0]


def test_a_bracket_closes_around_the_turn_and_a_good_guess_spares_looks():
    from capacity.studies.founding.bracket import bracket

    for near, far, turn in ((1.0, 100.0, 6.7), (100.0, 1.0, 6.7), (0.1, 9.0, 0.3)):
        for guess in (None, turn * 1.03, turn / 1.03, turn * 5, 1e9):
            looked = []

            def turned(value, far=far, near=near, turn=turn, looked=looked):
                looked.append(value)
                return value > turn if far > near else value < turn
            a, b = bracket(turned, near, far, 1.05, guess)
            assert 1 < max(a / b, b / a) <= 1.05
            assert min(a, b) <= turn <= max(a, b)
            assert len(looked) == 2 if guess in (turn * 1.03, turn / 1.03) else len(looked) <= 10


def test_beyond_its_range_an_input_is_looked_at_where_margins_point(facts):
    from dataclasses import replace

    looked = []
    base = straight(13.0, 1, 2, 9)
    (given,) = base.inputs(facts)

    def compute(facts, values):
        looked.append(values["x"])
        part = Part("x is small", "", values["x"] < 13.0, math.log(13.0 / values["x"]))
        return replace(base.compute(facts, values), parts=(part,))
    wide = replace(given, search="range", reach=3.0)
    found = find(replace(base, inputs=lambda facts: (wide,), compute=compute), facts)
    (swing,) = found.swings
    assert found.robust
    assert wide.looked == (pytest.approx(1 / 3), 27.0)
    assert 13.0 <= swing.flip_above <= 13.0 * 1.05
    assert swing.flip_below is None
    assert len(looked) == 7  # mid, low, high, both ends of the reach, and two beside the crossing


def test_supply_moves_by_one_factor_with_the_grids(facts):
    from capacity.scenario import load_scenario
    from capacity.studies.founding.tipping import SCENARIO, supplied

    assert supplied(facts, 1.0) == ()
    base, twice = load_scenario(SCENARIO), load_scenario(SCENARIO, supplied(facts, 2.0))
    table = facts.catalogue.table("supply").set_index(["quantity", "year"])["value"]
    assert twice.supply.power[2036] == pytest.approx(
        2 * table["ai_power_mw", 2036] * table["inference_share", 2036], rel=1e-6)
    for name, site in twice.sites.items():
        assert site.grid_limit == pytest.approx(2 * base.sites[name].grid_limit)
    assert twice.phases.max_per_year == 2 * base.phases.max_per_year


def test_experts_by_instance_batch_and_bound(facts):
    found = outcome(facts, "experts")
    table = found.tables["by batch"]
    told = table.set_index(["pair", "kind", "load"]).sort_index()
    alone, full, patient = "one request at a time", "full load", "full load, nobody waits"
    for pair in facts.catalogue.table("quality_pairs")["sparse"]:
        for kind in ("sparse", "dense"):
            cost = told.loc[(pair, kind)]["usd_per_instance_hour"]
            assert cost[alone] > 5 * cost[full] > 4.9 * cost[patient]
        assert found.tables["dense over sparse"].set_index("pair").loc[pair, alone] == pytest.approx(
            told.loc[(pair, "dense", alone), "usd_per_instance_hour"]
            / told.loc[(pair, "sparse", alone), "usd_per_instance_hour"])
    per_hour = table["usd_per_instance_hour"] / table["usd_per_mtok"] * 1e6
    assert per_hour.to_numpy() == pytest.approx(30_000)  # tokens of the scenario's instance an hour
    shares = table[["memory share", "compute share", "links and overhead share"]]
    assert shares.sum(axis=1).to_numpy() == pytest.approx(1.0)
    assert (shares.idxmax(axis=1).str.removesuffix(" share") == table["bound"]).all()
    assert told.loc[("deepseek-v3", "dense", alone), "bound"] == "memory"
    assert told.loc[("deepseek-v3", "sparse", patient), "bound"] == "compute"
    assert (told.xs(alone, level="load")["compute share"] < 0.1).all()
    ratios = found.tables["dense over sparse"].set_index("pair")
    assert 1.5 < ratios.loc["deepseek-v3", full] < 4
    assert 1.2 < ratios.loc["mixtral-8x7b", full] < 4
    assert (ratios[alone] > 1.3).all()


def test_what_is_an_estimate_in_the_catalogue_is_told(facts):
    from dataclasses import replace

    facts.guessed.clear()
    outcome(facts, "operations")
    assert "vr200-nvl72" in facts.guessed
    assert "h100-sxm" not in facts.guessed
    assert "the world's stock of accelerators" in facts.guessed
    used = tuple(facts.guessed)
    plain = find(straight(7.0, 1, 2, 3), facts)
    assert plain.guesses == ()
    found = replace(plain, guesses=used)
    assert "Estimates of the catalogue that it takes as they are: " in sensitivity(found)
    assert record(found, facts)["estimates"] == list(used)


def straight(limit, low, mid, high):
    """An argument that holds while x is below a limit."""
    def compute(facts, given):
        part = Part("x is small", f"{given['x']:g}", given["x"] < limit)
        return Outcome((part,), (Figure("x", given["x"], "USD"),), "It is what it is.")
    given = Input("x", "an unknown", low, mid, high, "USD", "nowhere", "estimate", most=1e3)
    return Argument("x", "X", "X is small.", lambda facts: (given,), compute)


def test_a_flip_is_where_the_verdict_turns(facts):
    found = find(straight(7.0, 1, 2, 3), facts)
    (swing,) = found.swings
    assert found.robust
    assert swing.flip_below is None
    assert swing.flip_above == pytest.approx(7.0, rel=0.011)
    assert swing.flip_above >= 7.0
    assert found.argument.compute(facts, {"x": swing.flip_above}).held != found.outcome.held
    assert flips(swing).startswith("above $7.0")
    assert "beyond it" in sensitivity(found)
    assert "an unknown" in sensitivity(found)


def test_an_input_that_turns_the_verdict_within_its_range_is_told(facts):
    found = find(straight(7.0, 1, 2, 9), facts)
    assert not found.robust
    assert "Within the stated range of an unknown (above $7" in sensitivity(found)


def test_flips_of_a_real_argument_flip_it(facts):
    found = find(named("speed"), facts)
    turned = [s for s in found.swings if s.flip_below is not None or s.flip_above is not None]
    mid = {s.input.name: s.input.mid for s in found.swings}
    assert turned
    for swing in turned:
        for value in (swing.flip_below, swing.flip_above):
            if value is not None:
                again = found.argument.compute(facts, {**mid, swing.input.name: value})
                assert again.held != found.outcome.held


def test_records_are_plain_and_whole(facts):
    import json

    found = find(named("streaming"), facts)
    told = json.loads(json.dumps(record(found, facts), allow_nan=False))
    assert told["verdict"] == found.outcome.verdict
    assert len(told["quotes"]) >= 8
    assert [i["name"] for i in told["inputs"]] == ["root", "price", "memory", "life", "rate", "busy"]
    assert list(summary([found])["argument"]) == ["streaming"]


def test_a_wrong_name_gets_the_nearest():
    with pytest.raises(InputError, match="did you mean `ladder`"):
        named("lader")


@pytest.mark.parametrize(("value", "told"), [(0.0578, "0.058"), (1.0, "1"), (547.28, "547"), (4319.0, "4,320"),
                                             (8e9, "8 billion"), (12.44e6, "12.4 million"), (math.inf, "none")])
def test_numbers_in_sentences(value, told):
    assert short(value) == told


def test_money_shares_and_ranges():
    assert [usd(v) for v in (0.0014, 1.163, 60.0, math.inf)] == ["0.14 cents", "$1.16", "$60", "no price"]
    assert [share(v) for v in (0.0578, 0.9999, 1.0)] == ["5.8 %", "99.99 %", "100 %"]
    assert amount(0.09, "1/year") == "9 % a year"
    assert ranged(Input("a", "a", 3, 5, 7, "years", "s", "c")) == "5 (3 to 7) years"


@pytest.mark.long
def test_the_price_of_words(facts):
    found = figures(outcome(facts, "words"))
    assert found["750 words of GPT-3 at the API price"] == pytest.approx(0.06, rel=0.01)
    assert found["1000 times that"] == pytest.approx(60, rel=0.01)
    assert 0.0005 < found["750 words of GPT-3 to an owner now"] < 0.01
    assert 300 < found["a dense 1000x model against GPT-3"] < 1200


@pytest.mark.long
def test_every_claimed_number_is_used(facts):
    used = set()
    for argument in ARGUMENTS:
        if argument.name in SOLVED:
            continue
        facts.asked.clear()
        outcome(facts, argument.name)
        used |= set(facts.asked)
    used |= {"inference_share", "human_population"}
    assert used == set(facts.catalogue.table("founding_claims")["claim"])


@pytest.mark.long
def test_eight_billion_as_plans(facts):
    found = outcome(facts, "eight-billion")
    assert "nan" not in found.reading
    plans = found.tables["8 billion"]
    assert (plans["gap"] <= 0.021).all()
    assert 0.5 < plans["accelerators_m"].iloc[0] < 20
    stock = found.tables["stock"].set_index("year")["instances_m"]
    assert stock[2021] < stock[2023] < stock[2025]
    for name, order in (("by tokens", 1), ("by supply", -1)):
        tip = found.tables[name].sort_values("value", ascending=order > 0)
        assert tip["proven"].all()  # by a plan that serves everyone, or by a bound above 0
        assert not (tip["short"] > 1e-3).diff().dropna().eq(-1).any()
        served, unserved = (tip.loc[rows, "value"] for rows in (tip["short"] <= 1e-3, tip["short"] > 1e-3))
        near, far = (served.max(), unserved.min()) if order > 0 else (served.min(), unserved.max())
        assert 1.0 < max(near / far, far / near) <= 1.05
    assert 4 < figures(found)["tokens that the supply of 2036 still serves, against a stream of thought's"] < 10
    assert 0.05 < figures(found)["supply that still serves 8 billion streams of thought"] < 0.2
    first = plans.set_index("definition")["binds_first"].iloc[2].split(" and ")  # several where they bind at once
    assert set(first) <= {"power supply", "accelerator supply", "HBM supply"}
    last = found.tables["by year"].groupby("definition").last()
    assert last["gw"]["agentic work"] > last["gw"]["a stream of thought"]


@pytest.mark.long
def test_supply_moves_what_is_unserved(facts):
    inputs = {given.name: given for given in named("eight-billion").inputs(facts)}
    at = {given: named("eight-billion").compute(facts, {"growth": inputs["growth"].mid, "supply": given})
          .tables["8 billion"].set_index("definition")["short"] for given in (inputs["supply"].low, 1.0)}
    for name in at[inputs["supply"].low].index:
        assert at[inputs["supply"].low][name] >= at[1.0][name] - 1e-3


@pytest.mark.long
def test_training_runs_inside_the_plan(facts):
    from capacity.studies.founding.training import hours_a_year, largest_run, trained

    found = outcome(facts, "share")
    assert "nan" not in found.reading
    grows, stays = found.tables["training grows"].set_index("year"), found.tables["training stays"].set_index("year")
    assert grows["share_of_inference"].between(0, 1).all()
    assert (stays["share_of_inference"] > grows["share_of_inference"]).all()
    assert (grows["spare or idle"] > -1).all()
    given = {i.name: i.mid for i in named("share").inputs(facts)}
    run = largest_run(facts)
    plan = trained(facts, run, given, 0.0)
    peak = facts.catalogue.accelerator
    for row in plan.tables["training"].to_dict("records"):
        wanted = hours_a_year(run, given) * peak(run["accelerator"]).bf16_tflops
        assert row["accelerators"] * 8766 * peak(row["accelerator"]).bf16_tflops == pytest.approx(wanted, rel=1e-2)


@pytest.mark.long
def test_the_cheapest_mix_follows_the_factor(facts):
    found = outcome(facts, "distillation")
    choice = found.tables["by factor"]
    for _, part in choice.groupby(["large", "small"]):
        wins = part.sort_values("factor")["small_serves"]
        assert wins.is_monotonic_increasing
        assert wins.iloc[-1] == pytest.approx(1.0)
        least = (part["against_large"] * part["factor"])[part["small_serves"] > 0.5]
        assert least.max() / least.min() == pytest.approx(1.0, rel=0.01)
        edge = least.iloc[0]
        assert (part.loc[part["factor"] > edge * 1.05, "small_serves"] > 0.5).all()
        assert (part.loc[part["factor"] < edge * 0.95, "small_serves"] < 0.5).all()
    mix = found.tables["cheapest mix"].set_index("grade")
    assert mix["variant"].to_dict() == {"easy": "ada", "plain": "babbage", "harder": "curie", "hardest": "davinci"}
    assert mix["share_of_work"]["easy"] == pytest.approx(0.45, abs=1e-6)
    assert 0.25 < figures(found)["cost of the cheapest mix of GPT-3's sizes"] < 0.4
