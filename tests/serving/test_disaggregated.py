"""Prefill and decode in pools of their own."""

import dataclasses

import numpy as np
import pytest

from capacity.serving import Modes, Slo, first_token_budget, frontier
from capacity.serving.cells import cell_of
from capacity.serving.disaggregated import link, transfer_s, units
from capacity.serving.load import load, prefill
from capacity.serving.plans import Cell
from capacity.serving.step import decode_s
from capacity.serving.system import Layout

from .cards import AGENT, DEEPSEEK, H100, LLAMA70, RUBIN, THINKER, THINKER_SLO, accelerator, links

POOLS = Modes(disaggregated=True)
TIGHT = Slo(3.0, 0.025)


def cell(card=H100, work=AGENT, slo=TIGHT, model=LLAMA70) -> Cell:
    return cell_of(model, card, links(card), work, slo, "fp8", "fp8", None, POOLS)


def pools(**more):
    found = frontier(LLAMA70, H100, links(H100), AGENT, TIGHT, modes=POOLS, max_accelerators=128, **more)
    return found[found["mode"] == "disaggregated"]


def test_every_unit_keeps_its_limits_and_adds_up():
    found = pools()
    assert len(found)
    assert (found["ttft_s"] <= TIGHT.ttft_s).all()
    assert (found["tpot_s"] <= TIGHT.tpot_s).all()
    assert (found["accelerators"] <= 128).all()
    decode = found["decode_copies"] * found["tp"] * found["pp"] * found["dp"]
    prefills = found["prefill_copies"] * found["prefill_tp"] * found["prefill_pp"] * found["prefill_dp"]
    assert (prefills == found["prefill_accelerators"]).all()
    assert (decode + prefills == found["accelerators"]).all()
    np.testing.assert_allclose(found["instances"] / found["accelerators"], found["instances_per_accelerator"])
    assert found["utilisation"].between(0, 1).all()
    assert found["power_w_per_accelerator"].between(0, H100.it_power_w).all()


def test_where_prefill_disturbs_answers_pools_of_their_own_serve_more():
    """Agents read much and answer fast: a chunk beside a step costs more than the pool."""
    alone = frontier(LLAMA70, H100, links(H100), AGENT, TIGHT, max_accelerators=128)
    assert pools()["instances_per_accelerator"].max() > alone["instances_per_accelerator"].max()


def test_disaggregation_never_lowers_a_decode_step_and_takes_prefill_out_of_it():
    """The step of a decode copy is the step of any copy; only what prefill adds to TPOT is gone."""
    asked, layout, host = cell(), Layout.of(8), np.zeros(1, dtype=bool)
    own = prefill(asked.system, layout, AGENT)
    none = dataclasses.replace(own, chunks=0.0, chunk_s=np.zeros(1))
    mixed, pure = (load(asked.system, layout, host, AGENT, TIGHT, first, np.full(1, 10.0)) for first in (own, none))
    step = decode_s(asked.system, layout, np.full(1, 10.0), np.full(1, AGENT.context_mean))
    assert pure.tpot_mean[0] == pytest.approx(step[0])
    assert mixed.tpot_mean[0] > pure.tpot_mean[0]
    assert pure.prefill_share[0] == 0.0


def test_the_transfer_by_hand():
    """64,000 tokens cross 8 network cards of 45 GB/s: prefix one way, fresh tokens the other, 6 us each."""
    unit = units(cell(), cell(), 64, 0.0).take(np.array([0]))
    decode = dataclasses.replace(unit.decode, layout=Layout.of(8))
    unit = dataclasses.replace(unit, decode=decode, prefill=Layout.of(8), instances=np.zeros(1))
    prompt = (AGENT.prefix + AGENT.fresh_per_turn) * 327_680 / 2
    assert transfer_s(unit, np.zeros(1))[0] == pytest.approx(2 * 6e-6 + prompt / (8 * 50e9 * 0.9))
    busy = 0.5 * 8 * 50e9 * 0.9 / (max(AGENT.prefix, AGENT.fresh_per_turn) * 327_680 / 2)
    assert transfer_s(unit, np.full(1, busy))[0] == pytest.approx(1.5 * transfer_s(unit, np.zeros(1))[0])
    assert np.isinf(transfer_s(unit, np.full(1, 2 * busy))[0])


def test_two_copies_in_one_domain_hand_over_inside_it():
    one = cell(card=RUBIN).system
    alpha, rate = link(one, one, Layout.of([8, 64]), Layout.of([8, 16]))
    assert alpha.tolist() == [one.links.up_alpha_s, one.links.out_alpha_s]
    assert rate[0] > rate[1] == pytest.approx(one.links.out_gb_s * one.links.out_efficiency * 1e9)


def test_prefill_may_run_on_other_accelerators():
    """A pool with more FLOP/s a card needs fewer of them; with a slow network the transfer is in the TTFT."""
    quick = accelerator("quick", bf16_tflops=2 * 989.0, fp8_tflops=2 * 1979.0, generation="hopper")
    slow = accelerator("slow", nic_gbit_s=10.0)
    same, other, far = (pools(prefill_on=(card, links(card))) for card in (H100, quick, slow))
    assert set(other["prefill_on"]) == {"quick"}
    assert set(other["mode"]) == {"disaggregated"}
    assert other["instances_per_accelerator"].max() > same["instances_per_accelerator"].max()
    assert far["instances_per_accelerator"].max() < same["instances_per_accelerator"].max()


def test_the_budget_of_the_first_token_shows_the_transfer_and_adds_up():
    for row in (pools().iloc[0], frontier(DEEPSEEK, H100, links(H100), THINKER, THINKER_SLO).iloc[0]):
        model, work, slo = (LLAMA70, AGENT, TIGHT) if row["prefill_copies"] else (DEEPSEEK, THINKER, THINKER_SLO)
        budget = first_token_budget(model, H100, links(H100), work, slo, row, modes=POOLS)
        assert budget["seconds"].sum() == pytest.approx(row["ttft_s"], rel=1e-6)
        assert budget["share"].sum() == pytest.approx(1)
        assert ("transfer" in set(budget["part"])) == bool(row["prefill_copies"])
        assert ("beside" in set(budget["part"])) != bool(row["prefill_copies"])


def test_a_pool_too_slow_for_the_first_token_is_not_offered():
    assert units(cell(slo=Slo(0.05, 0.025)), cell(slo=Slo(0.05, 0.025)), 128, 0.0) is None
    assert units(cell(), cell(), 128, 2.99) is None
