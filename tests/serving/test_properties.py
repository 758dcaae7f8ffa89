"""What must hold for any architecture: hypothesis over random dense and MoE models, attention and shardings."""

import dataclasses

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from capacity.serving.architecture import architecture
from capacity.serving.budget import step_budget
from capacity.serving.memory import activation_bytes, held_bytes, kv_room, kv_sequence_bytes, weight_bytes
from capacity.serving.step import chunk_s, decode_parts, decode_s
from capacity.serving.system import Layout, system

from .cards import DEEPSEEK, GPT_OSS, H100, LLAMA70, THINKER, links

ONE = np.ones(1)


@st.composite
def models(draw):
    """Random dense, MoE, latent and sliding-window models."""
    base = draw(st.sampled_from([LLAMA70, DEEPSEEK, GPT_OSS]))
    heads = draw(st.sampled_from([8, 16, 64, 128]))
    changed = {
        "layers": draw(st.integers(4, 120)), "d_model": draw(st.sampled_from([1024, 4096, 16384])), "heads": heads,
        "vocab": draw(st.sampled_from([32000, 128256])), "tied_embeddings": draw(st.booleans()),
    }
    if base.attention != "mla":
        changed["kv_heads"] = draw(st.sampled_from([1, 4, heads]))
    if base.experts_total:
        changed["experts_total"] = draw(st.sampled_from([8, 64, 256]))
        changed["experts_active"] = draw(st.sampled_from([1, 2, 8]))
        changed["d_ff_expert"] = draw(st.sampled_from([512, 2048, 8192]))
    else:
        changed["d_ff_dense"] = draw(st.sampled_from([2048, 28672]))
    return dataclasses.replace(base, **changed)


@st.composite
def layouts(draw, most_pp=16):
    """Any sharding: parts of an accelerator, TP, PP, attention-DP with experts over the stage or the ranks."""
    tp, dp = draw(st.sampled_from([0.125, 0.25, 0.5, 1, 2, 4, 8, 64])), draw(st.sampled_from([1, 2, 8, 32]))
    if tp < 1:
        return Layout.of(tp)
    return Layout.of(tp, draw(st.integers(1, most_pp)), draw(st.sampled_from([dp, tp * dp])), dp)


def cell(model, weights="fp8"):
    return system(model, H100, links(H100), weights=weights, kv="fp8")


@given(models(), layouts(), st.floats(1, 500), st.floats(1, 200_000), st.floats(1.01, 8))
@settings(max_examples=80, deadline=None)
def test_a_larger_batch_or_a_longer_context_never_lowers_tpot(model, layout, batch, context, more):
    made = cell(model)
    step = decode_s(made, layout, batch * ONE, context * ONE)[0]
    assert decode_s(made, layout, more * batch * ONE, context * ONE)[0] >= step * (1 - 1e-12)
    assert decode_s(made, layout, batch * ONE, more * context * ONE)[0] >= step * (1 - 1e-12)


@given(models(), st.sampled_from([1, 4, 8]), st.sampled_from([1, 8]), st.integers(2, 24), st.floats(1, 100))
@settings(max_examples=80, deadline=None)
def test_pipelining_never_lowers_one_requests_latency(model, tp, dp, pp, batch):
    made, context = cell(model), np.array([4096.0])
    flat, piped = Layout.of(tp, 1, tp * dp, dp), Layout.of(tp, pp, tp * dp, dp)
    assert decode_s(made, piped, batch * ONE, context)[0] >= decode_s(made, flat, batch * ONE, context)[0] * (1 - 1e-12)
    first = pp * chunk_s(made, piped, 512 * ONE, context)[0]
    assert first >= chunk_s(made, flat, 512 * ONE, context)[0] * (1 - 1e-12)


@given(models(), st.floats(1, 64))
@settings(max_examples=60, deadline=None)
def test_the_gain_of_tensor_parallelism_saturates(model, batch):
    """No doubling of TP gains more than two times, and collectives take a growing share that no gain can pass."""
    made = cell(dataclasses.replace(model, heads=max(model.heads, 64)))
    layout = Layout.of([1, 2, 4, 8])
    parts = decode_parts(made, layout, batch * np.ones(4), np.full(4, 2048.0))
    steps = decode_s(made, layout, batch * np.ones(4), np.full(4, 2048.0))
    assert (steps[:-1] / steps[1:] <= 2.0 + 1e-9).all()
    share = parts["collectives"] / steps
    assert (np.diff(share) >= -1e-12).all()
    assert steps[-1] >= parts["collectives"][-1] + parts["overhead"][-1]


@given(models(), layouts(most_pp=1), st.integers(2, 4))
@settings(max_examples=60, deadline=None)
def test_more_layers_cost_latency_that_width_does_not(model, layout, more):
    made = cell(model)
    deep = cell(dataclasses.replace(model, layers=model.layers * more))
    wide = cell(dataclasses.replace(model, d_model=model.d_model * more))
    base, deeper, wider = (decode_parts(x, layout, ONE, 100 * ONE)["overhead"][0] for x in (made, deep, wide))
    assert deeper > base
    assert abs(wider - base) <= 1e-12


@given(models(), layouts(), st.floats(0, 1e6), st.sampled_from(["fp16", "fp8", "fp4"]))
@settings(max_examples=80, deadline=None)
def test_memory_is_never_negative_and_never_shrinks_with_precision(model, layout, context, weights):
    made, wider = cell(model, weights), cell(model, "bf16")
    assert weight_bytes(made, layout)[0] > 0
    assert activation_bytes(made, layout)[0] > 0
    assert kv_room(made, layout)[0] >= 0
    assert kv_sequence_bytes(made, layout, context * ONE)[0] >= 0
    assert held_bytes(made, layout)[0] <= held_bytes(wider, layout)[0] * (1 + 1e-12)


@given(models())
@settings(max_examples=60, deadline=None)
def test_parts_of_an_architecture_add_up(model):
    arch = architecture(model)
    assert 0 < arch.active <= arch.total * (1 + 1e-12)
    assert arch.kv_bytes_per_token("fp8") * 2 == arch.kv_bytes_per_token("bf16") > 0


@given(models(), layouts(), st.floats(1, 100))
@settings(max_examples=40, deadline=None)
def test_the_budget_of_a_token_is_its_step(model, layout, batch):
    """The shares of any plan add up to the step that the search counts with."""
    part = float(min(layout.tp[0], 1.0))
    row = {"tp": layout.tp[0] / part, "pp": layout.pp[0], "ep": layout.ep[0], "dp": layout.dp[0], "part": part,
           "batch": batch * layout.pp[0] * layout.dp[0]}
    budget = step_budget(model, H100, links(H100), THINKER, row)
    step = decode_s(cell(model), layout, batch * ONE, np.full(1, THINKER.context_mean))
    np.testing.assert_allclose(budget["seconds"].sum(), step[0], rtol=1e-9)
    assert (budget["share"] >= -1e-12).all()
