import dataclasses
import time

import numpy as np
import pandas as pd
import pytest

from capacity.errors import InputError
from capacity.scenario.schema import ServiceClass
from capacity.serving import (
    FRONTIER_COLUMNS,
    Modes,
    Slo,
    Workload,
    cost_per_million_tokens,
    frontier,
    frontiers,
    step_budget,
    why_empty,
)
from capacity.serving.load import load, prefill
from capacity.serving.memory import kv_room
from capacity.serving.plans import legal_plans
from capacity.serving.system import Layout, system

from .cards import (
    AGENT,
    AGENT_SLO,
    DEEPSEEK,
    GPT_OSS,
    H100,
    LLAMA70,
    RUBIN,
    THINKER,
    THINKER_SLO,
    THOUSANDFOLD,
    accelerator,
    links,
)


def test_a_workload_is_tokens_per_human_hour_at_its_speed():
    given = ServiceClass(output_tokens=36000, fresh_input_tokens=7200, cached_input_tokens=3600, context_mean=1000,
                         turns=10, speed=2.0, ttft=1.0, tpot=0.05)
    work = Workload.of(given)
    assert (work.output_tokens_s, work.fresh_tokens_s, work.cached_tokens_s) == (20.0, 4.0, 2.0)
    assert work.context_p95 == 2000
    assert work.fresh_per_turn == pytest.approx(720)
    assert work.output_per_turn == pytest.approx(3600)


@pytest.mark.parametrize("bad", [{"output_tokens_s": 0.0}, {"turns_s": -1.0}, {"fresh_tokens_s": -1.0},
                                 {"context_p95": 10.0}])
def test_a_senseless_workload_is_refused(bad):
    with pytest.raises(InputError, match=next(iter(bad))):
        dataclasses.replace(THINKER, **bad)


@pytest.mark.parametrize(("model", "work", "slo"), [(LLAMA70, THINKER, THINKER_SLO), (DEEPSEEK, AGENT, AGENT_SLO),
                                                    (GPT_OSS, THINKER, THINKER_SLO)])
def test_every_plan_of_a_frontier_keeps_its_limits(model, work, slo):
    found = frontier(model, H100, links(H100), work, slo, max_accelerators=256)
    assert list(found.columns) == list(FRONTIER_COLUMNS)
    assert len(found)
    assert (found["ttft_s"] <= slo.ttft_s).all()
    assert (found["tpot_s"] <= slo.tpot_s).all()
    assert (found["memory_gb"] <= H100.memory_usable_gb).all()
    assert (found["accelerators"] == found["tp"] * found["pp"] * found["dp"]).all()
    assert found["utilisation"].between(0, 1).all()
    assert found["power_w_per_accelerator"].between(0, H100.it_power_w).all()
    assert found["instances_per_accelerator"].is_monotonic_decreasing
    per = found["instances"] / found["accelerators"]
    np.testing.assert_allclose(found["output_tokens_s_per_accelerator"], per * work.output_tokens_s)


def test_littles_law_holds_at_every_plan():
    """Sequences in flight = instances x branches x output tokens/s x TPOT, with the mean TPOT below its percentile."""
    found = frontier(LLAMA70, H100, links(H100), THINKER, THINKER_SLO)
    mean = found["batch"] / (found["instances"] * THINKER.output_tokens_s)
    assert (mean <= found["tpot_s"]).all()
    assert (mean >= 0.5 * found["tpot_s"]).all()


def test_branches_multiply_the_output_but_not_the_prefill():
    one = frontier(LLAMA70, H100, links(H100), THINKER, THINKER_SLO).iloc[0]
    four = frontier(LLAMA70, H100, links(H100), dataclasses.replace(THINKER, branches=4.0), THINKER_SLO).iloc[0]
    assert four["instances_per_accelerator"] < one["instances_per_accelerator"]
    assert four["output_tokens_s_per_accelerator"] == pytest.approx(
        4 * THINKER.output_tokens_s * four["instances_per_accelerator"])


def test_the_best_plan_is_the_best_of_a_brute_search():
    """Every whole number of instances on every plan, one at a time, finds nothing better on a small case."""
    slo, work = Slo(1.0, 0.03), dataclasses.replace(THINKER, context_mean=8000.0, context_p95=16000.0)
    found = frontier(LLAMA70, H100, links(H100), work, slo, max_accelerators=8)
    s = system(LLAMA70, H100, links(H100))
    tp, pp, ep, dp = legal_plans(s.arch, 8, 8)
    best = 0.0
    for plan in zip(tp, pp, ep, dp, strict=True):
        layout = Layout.of(*plan)
        first = prefill(s, layout, work)
        for in_flight in np.geomspace(0.05, 2000, 3000):
            at = load(s, layout, np.zeros(1, dtype=bool), work, slo, first, np.array([in_flight]))
            if at.tpot[0] > slo.tpot_s or at.ttft[0] > slo.ttft_s or at.pace[0] > 1 or at.saturated[0]:
                break
            if at.kv_bytes[0] > kv_room(s, layout)[0]:
                break
            best = max(best, np.floor(at.instances[0]) / layout.accelerators[0])
    hbm = found[found["kv_home"] == "hbm"]
    assert hbm["instances_per_accelerator"].max() <= best * 1.01 or len(hbm) == 0
    assert found["instances_per_accelerator"].max() >= best * 0.99


def test_tighter_slo_and_larger_contexts_never_serve_more():
    def most(work, slo):
        found = frontier(LLAMA70, H100, links(H100), work, slo)
        return found["instances_per_accelerator"].max() if len(found) else 0.0
    base = most(THINKER, THINKER_SLO)
    assert most(THINKER, Slo(2.0, 0.03)) <= base
    assert most(THINKER, Slo(0.5, 0.05)) <= base
    assert most(THINKER, Slo(2.0, 0.05, 0.99)) <= base
    assert most(dataclasses.replace(THINKER, context_mean=64000.0, context_p95=128000.0), THINKER_SLO) <= base


def test_more_bandwidth_never_serves_less():
    def most(card):
        return frontier(LLAMA70, card, links(card), THINKER, THINKER_SLO)["instances_per_accelerator"].max()
    assert most(accelerator(memory_bandwidth_gb_s=4800.0)) >= most(H100)


def test_slack_is_offered_at_a_price():
    """Where TTFT binds, some plan keeps a far region's round trip in reserve, with fewer instances."""
    slo = Slo(0.45, 0.05)
    found = frontier(LLAMA70, H100, links(H100), THINKER, slo)
    assert found["rtt_slack_s"].max() >= 0.05
    np.testing.assert_allclose(found["rtt_slack_s"], slo.ttft_s - found["ttft_s"])


def test_saturation_is_flagged_and_infinite():
    s = system(LLAMA70, H100, links(H100))
    heavy = dataclasses.replace(THINKER, fresh_tokens_s=20000.0)
    layout = Layout.of([8, 8])
    first, in_flight = prefill(s, layout, heavy), np.array([0.01, 500.0])
    at = load(s, layout, np.zeros(2, dtype=bool), heavy, THINKER_SLO, first, in_flight)
    assert at.saturated[1]
    assert np.isinf(at.ttft[1])
    assert at.queue[0] < at.queue[1]


def test_a_thousandfold_gpt3_spans_racks_at_fp4():
    patient = Slo(10.0, 0.5)
    found = frontier(THOUSANDFOLD, RUBIN, links(RUBIN), THINKER, patient, weights="fp4")
    assert len(found)
    assert (found["accelerators"] > RUBIN.scale_up_domain).all()
    budget = step_budget(THOUSANDFOLD, RUBIN, links(RUBIN), THINKER, found.iloc[0], weights="fp4")
    assert budget.set_index("part").loc["collectives", "share"] > 0.1


def test_an_empty_frontier_says_why():
    nothing = frontier(THOUSANDFOLD, H100, links(H100), THINKER, THINKER_SLO, max_accelerators=64)
    assert nothing.empty
    assert list(nothing.columns) == list(FRONTIER_COLUMNS)
    memory = why_empty(THOUSANDFOLD, H100, links(H100), THINKER, THINKER_SLO, max_accelerators=64)
    assert "does not fit in memory" in memory
    assert "at most 72.0 GB" in memory
    assert "TPOT floor" in why_empty(THOUSANDFOLD, RUBIN, links(RUBIN), THINKER, THINKER_SLO, weights="fp4")
    assert "TTFT floor" in why_empty(LLAMA70, H100, links(H100), THINKER, Slo(0.001, 0.05))
    quick = dataclasses.replace(THINKER, output_tokens_s=400.0)
    assert "falls behind" in why_empty(LLAMA70, H100, links(H100), quick, THINKER_SLO)
    assert "not empty" in why_empty(LLAMA70, H100, links(H100), THINKER, THINKER_SLO)


def test_the_step_budget_adds_up():
    best = frontier(DEEPSEEK, H100, links(H100), THINKER, THINKER_SLO, max_accelerators=64).iloc[0]
    budget = step_budget(DEEPSEEK, H100, links(H100), THINKER, best)
    assert budget["part"].tolist() == ["weights", "kv", "flops", "collectives", "overhead"]
    assert budget["share"].sum() == pytest.approx(1)
    assert 0 < budget["seconds"].sum() <= best["tpot_s"]
    with pytest.raises(InputError, match="batch"):
        step_budget(DEEPSEEK, H100, links(H100), THINKER, best.drop("batch"))


def test_cost_per_million_tokens_by_hand():
    found = frontier(LLAMA70, H100, links(H100), THINKER, THINKER_SLO)
    cost = cost_per_million_tokens(found, 3.6)
    np.testing.assert_allclose(cost, 1e3 / found["output_tokens_s_per_accelerator"])
    with pytest.raises(InputError):
        cost_per_million_tokens(found, -1.0)


def test_no_host_memory_means_no_host_home():
    card = accelerator(host_memory_gb=0.0)
    assert set(frontier(LLAMA70, card, links(card), THINKER, THINKER_SLO)["kv_home"]) == {"hbm"}


def test_a_wide_search_is_quick():
    """A coarse guard against a Python loop over plans; the benchmark measures speed."""
    start = time.perf_counter()
    frontier(DEEPSEEK, H100, links(H100), AGENT, AGENT_SLO)
    assert time.perf_counter() - start < 1.0


def test_no_plan_of_a_frontier_equals_a_better_one():
    """Each row is better by 1 % than every other one in rate, size, power per instance or latency slack."""
    found = frontier(DEEPSEEK, H100, links(H100), THINKER, Slo(1.0, 0.05))
    rate, size = found["instances_per_accelerator"].to_numpy(), found["accelerators"].to_numpy()
    power, slack = found["power_w_per_accelerator"].to_numpy() / rate, found["rtt_slack_s"].to_numpy()
    assert len(found) > 1
    for i in range(len(found)):
        for j in range(i):
            better = rate[i] > rate[j], size[i] < size[j], power[i] < power[j], slack[i] > slack[j]
            assert any(better)


def test_frontiers_side_by_side_are_those_of_each_accelerator_alone():
    """To the last bit, for dense and MoE models, with parts of accelerators and pools, and where nothing fits."""
    chips = [H100, dataclasses.replace(H100, id="slim", memory_gb=8.0, memory_usable_gb=8.0, it_power_w=500.0),
             dataclasses.replace(H100, id="quick", memory_bandwidth_gb_s=8000.0, host_link_gb_s=400.0), RUBIN]
    pools = [(chip, links(chip)) for chip in chips]
    for model, modes in ((LLAMA70, Modes(parts=2, disaggregated=True)), (GPT_OSS, Modes()), (DEEPSEEK, Modes())):
        together = frontiers(model, pools, THINKER, THINKER_SLO, max_accelerators=64, modes=modes)
        for (chip, net), found in zip(pools, together, strict=True):
            alone = frontier(model, chip, net, THINKER, THINKER_SLO, max_accelerators=64, modes=modes)
            pd.testing.assert_frame_equal(found, alone, check_exact=True)
        assert len(together[0])


def test_precisions_of_each_accelerator_are_its_own_side_by_side():
    pools = [(H100, links(H100)), (RUBIN, links(RUBIN))]
    both = frontiers(LLAMA70, pools, THINKER, THINKER_SLO, max_accelerators=16, weights="any", kv="any")
    assert "fp4" not in set(both[0]["weights"])
    assert "fp4" in set(both[1]["weights"])
