"""Prefill and decode in pools of their own."""

import dataclasses
from itertools import product

import numpy as np
import pytest

from capacity.serving import Modes, Slo, Speculation, first_token_budget, frontier, step_budget
from capacity.serving.cells import cell_of
from capacity.serving.disaggregated import link, transfer_s, units
from capacity.serving.explain import serves_as
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
    unit = units(cell(), cell(), 64, (0.0,))[0].take(np.array([0]))
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
    assert not units(cell(slo=Slo(0.05, 0.025)), cell(slo=Slo(0.05, 0.025)), 128, (0.0,))
    assert not units(cell(), cell(), 128, (2.99,))


def test_what_is_sized_for_no_round_trip_serves_for_longer_ones_too():
    """Decode copies carry the same whatever is held back, until their own reloads no longer fit: sized anew or not."""
    together = units(cell(), cell(), 128, (0.0, 0.05, 0.25))
    for unit, reserve in zip(together, (0.0, 0.05, 0.25), strict=True):
        (alone,) = units(cell(), cell(), 128, (reserve,))
        assert unit.rate.max() == pytest.approx(alone.rate.max(), rel=1e-2)
        assert (unit.ttft <= TIGHT.ttft_s - reserve).all()


SLIM = accelerator("slim", memory_gb=24.0, memory_usable_gb=24.0, scale_up_domain=1)
"""Fast, alone in its domain, and too small for 70 GB of weights even on two."""
ONE_B = dataclasses.replace(LLAMA70, id="one", layers=16, d_model=2048, d_ff_dense=8192, heads=32, params_exact=True)
LIGHT = dataclasses.replace(AGENT, context_mean=4000, context_p95=8000, fresh_tokens_s=20.0, cached_tokens_s=20.0)


def test_a_prefill_pool_may_stream_the_weights_that_it_cannot_hold():
    """A chunk computes for long enough that its weights arrive beside it: two slim cards do the work of five."""
    how = {"max_accelerators": 32, "prefill_on": (SLIM, links(SLIM))}
    patient = Slo(20.0, 0.025)
    held, streamed = (frontier(LLAMA70, H100, links(H100), AGENT, patient, modes=modes, **how).iloc[0]
                      for modes in (POOLS, Modes(disaggregated=True, streaming=("host",))))
    assert (held["prefill_streamed"], streamed["prefill_stream_from"]) == (0.0, "host")
    assert streamed["prefill_accelerators"] < held["prefill_accelerators"]
    assert streamed["instances_per_accelerator"] > held["instances_per_accelerator"]
    assert "of layers from host RAM)" in serves_as(streamed)
    budget = first_token_budget(LLAMA70, H100, links(H100), AGENT, patient, streamed, modes=Modes(
        disaggregated=True, streaming=("host",)), prefill_on=(SLIM, links(SLIM)))
    assert budget["seconds"].sum() == pytest.approx(streamed["ttft_s"], rel=1e-6)


def test_a_prefill_pool_needs_host_ram_for_the_weights_that_it_streams():
    poor = dataclasses.replace(SLIM, host_memory_gb=0.5)
    modes = Modes(disaggregated=True, streaming=("host",))
    for card, some in ((SLIM, True), (poor, False)):
        asked = dataclasses.replace(cell(slo=Slo(20.0, 0.025)), modes=modes)
        other = dataclasses.replace(cell(card=card, slo=Slo(20.0, 0.025)), modes=modes)
        (found,) = units(asked, other, 32, (0.0,))
        assert bool((found.prefill.stream.share > 0).any()) == some


def test_pools_of_parts_of_an_accelerator_share_it():
    """A half and a quarter are three quarters of a chip; all figures per accelerator count them so."""
    modes = Modes(disaggregated=True, parts=4)
    asked = dataclasses.replace(cell(work=LIGHT, model=ONE_B, slo=Slo(2.0, 0.02)), modes=modes)
    (found,) = units(asked, asked, 8, (0.0,))
    parts = found.take((found.decode.layout.tp < 1) & (found.prefill.tp < 1))
    assert len(parts.instances)
    size = parts.decode_copies * parts.decode.layout.tp + parts.prefill_copies * parts.prefill.tp
    np.testing.assert_allclose(parts.accelerators, size)
    np.testing.assert_allclose(parts.rate * size, parts.decode_copies * parts.instances)
    assert (parts.ttft <= 2.0).all()


DRAFTS = (None, Speculation(3, 0.7, cost=0.05), Speculation(3, 0.7, model=ONE_B))


@pytest.mark.parametrize(("parts", "streaming", "shared", "draft"),
                         list(product((1, 4), ((), ("host", "nvme")), (False, True), DRAFTS)))
def test_modes_combine_with_pools(parts, streaming, shared, draft):
    """Whatever is switched on together, each row keeps its limits and its budgets add up to what it says."""
    modes = Modes(parts=parts, streaming=streaming, disaggregated=True, shared_prefix=shared, speculation=draft)
    work = dataclasses.replace(AGENT, branches=4.0)
    pool = (H100, links(H100))
    found = frontier(LLAMA70, *pool, work, TIGHT, modes=modes, max_accelerators=64, prefill_on=pool)
    assert set(found["mode"]) == {"disaggregated"}
    assert (found["ttft_s"] <= TIGHT.ttft_s).all()
    assert (found["tpot_s"] <= TIGHT.tpot_s).all()
    for _, row in found.head(2).iterrows():
        first = first_token_budget(LLAMA70, H100, links(H100), work, TIGHT, row, modes=modes)
        assert first["seconds"].sum() == pytest.approx(row["ttft_s"], rel=1e-6)
        step = step_budget(LLAMA70, H100, links(H100), work, row, modes=modes)
        assert 0 < step["seconds"].sum() <= row["tpot_s"] * (1 + 1e-9)
