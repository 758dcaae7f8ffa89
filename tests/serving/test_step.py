import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capacity.catalogue.cards import Interconnect
from capacity.serving.architecture import stored_bytes
from capacity.serving.collectives import all_reduce_s, all_to_all_s, hand_over_s
from capacity.serving.memory import activation_bytes, kv_room, kv_sequence_bytes, weight_bytes
from capacity.serving.speculative import accepted_tokens, speculative_tpot_s
from capacity.serving.step import chunk_s, decode_parts, decode_s, touched_experts
from capacity.serving.system import Layout, computes_in, system

from .cards import DEEPSEEK, GPT3, H100, LLAMA70, links

ONE = np.ones(1)


def cell(model=LLAMA70, card=H100, weights="fp8"):
    return system(model, card, links(card), weights=weights, kv="fp8")


def dense_model(layers, heads, width):
    return dataclasses.replace(LLAMA70, layers=layers, heads=heads, kv_heads=heads // 8, d_model=width,
                               d_ff_dense=4 * width)


MODELS = st.builds(dense_model, st.integers(1, 120), st.sampled_from([8, 16, 64]), st.sampled_from([1024, 4096, 16384]))
LAYOUTS = st.tuples(st.sampled_from([1, 2, 4, 8, 16, 64]), st.integers(1, 16))


def test_a_lone_sequence_streams_the_weights_once():
    """70.55e9 - 2.1e9 (embedding, head) parameters at 1 byte over 8 x 3350 GB/s x 0.78, plus the head at 2 bytes."""
    s = cell()
    parts = decode_parts(s, Layout.of(8), ONE, np.zeros(1))
    rate = 8 * 3350e9 * s.fit.weight_bandwidth
    table = 128256 * 8192
    assert parts["weights"][0] == pytest.approx((s.arch.total - 2 * table + 2 * table) / rate, rel=1e-6)
    assert parts["kv"][0] == 0
    assert parts["flops"][0] < 2e-3 * parts["weights"][0]  # compute, and moving one token's activations


@given(MODELS, LAYOUTS, st.floats(1, 500), st.floats(1, 100_000))
@settings(max_examples=60, deadline=None)
def test_a_larger_batch_never_lowers_tpot_and_bandwidth_never_hurts(model, plan, batch, context):
    layout, context = Layout.of(*plan), np.array([context])
    s = cell(model)
    faster = cell(model, dataclasses.replace(H100, memory_bandwidth_gb_s=6000.0, scale_up_gb_s=900.0))
    step = decode_s(s, layout, batch * ONE, context)
    assert decode_s(s, layout, 1.5 * batch * ONE, context)[0] >= step[0]
    assert decode_s(faster, layout, batch * ONE, context)[0] <= step[0]


@given(MODELS, st.sampled_from([1, 8, 64]), st.integers(2, 30), st.floats(1, 100))
@settings(max_examples=60, deadline=None)
def test_pipelining_never_lowers_one_requests_latency(model, tp, pp, batch):
    s, context = cell(model), np.array([4096.0])
    flat, piped = Layout.of(tp), Layout.of(tp, pp)
    assert decode_s(s, piped, batch * ONE, context)[0] >= decode_s(s, flat, batch * ONE, context)[0] - 1e-12
    prefill_piped = pp * chunk_s(s, piped, 512 * ONE, context)[0]
    assert prefill_piped >= chunk_s(s, flat, 512 * ONE, context)[0] - 1e-12


@given(MODELS, LAYOUTS, st.floats(0, 1e6))
@settings(max_examples=60, deadline=None)
def test_memory_is_never_negative(model, plan, context):
    s, layout = cell(model), Layout.of(*plan)
    assert weight_bytes(s, layout)[0] > 0
    assert activation_bytes(s, layout)[0] > 0
    assert kv_room(s, layout)[0] >= 0
    assert kv_sequence_bytes(s, layout, np.array([context]))[0] >= 0


def test_more_layers_cost_latency_that_width_does_not():
    """Twice the layers add overhead, twice the width does not."""
    s, twice = cell(dense_model(40, 64, 8192)), cell(dense_model(80, 64, 8192))
    overhead, doubled = (decode_parts(x, Layout.of(8), ONE, ONE)["overhead"][0] for x in (s, twice))
    wide = decode_parts(cell(dense_model(40, 64, 16384)), Layout.of(8), ONE, ONE)["overhead"][0]
    assert wide == overhead
    assert doubled > overhead


def test_the_gain_of_tensor_parallelism_saturates():
    s = cell(GPT3)
    steps = decode_s(s, Layout.of([1, 2, 4, 8, 16, 32]), np.ones(6), np.full(6, 2048.0))
    gains = steps[:-1] / steps[1:]
    assert gains[0] > gains[2] > gains[-1]
    assert gains[-1] < 1.3


def test_expected_experts():
    """One token of DeepSeek touches its 8 experts; many touch all; the busiest rank at least the mean one."""
    assert touched_experts(256, 8, ONE, ONE)[0] == pytest.approx(8)
    assert touched_experts(256, 8, 1e4 * ONE, ONE)[0] == pytest.approx(256)
    assert touched_experts(256, 8, 32 * ONE, ONE)[0] == pytest.approx(256 * (1 - (1 - 8 / 256) ** 32))
    assert touched_experts(256, 8, 8 * ONE, 8 * ONE)[0] > touched_experts(256, 8, 8 * ONE, ONE)[0] / 8


def test_kv_of_mla_is_replicated_over_tensor_parallel_ranks():
    s, context = cell(DEEPSEEK), np.array([1000.0])
    one, eight = (kv_sequence_bytes(s, Layout.of(t), context)[0] for t in (1, 8))
    assert one == eight == pytest.approx(1000 * 70272 / 2)
    llama = cell(LLAMA70)
    assert kv_sequence_bytes(llama, Layout.of(8), context)[0] == pytest.approx(1000 * 327680 / 2 / 8)


NET = Interconnect(8, 3e-6, 450.0, 0.8, 6e-6, 50.0, 0.9, 4096)


def test_all_reduce_by_hand():
    """8 ranks, 512 MB: 4 x 3 us + 2 x 7/8 x 0.512e9 / 360e9; 16 ranks add 2 x 6 us + 2 x 1/2 x 64e6 / 45e9."""
    inside = 12e-6 + 1.75 * 0.512e9 / 360e9
    assert all_reduce_s(np.array([8.0]), np.array([0.512e9]), NET)[0] == pytest.approx(inside)
    both = inside + 12e-6 + 64e6 / 45e9
    assert all_reduce_s(np.array([16.0]), np.array([0.512e9]), NET)[0] == pytest.approx(both)
    assert all_reduce_s(ONE, np.array([1e9]), NET)[0] == 0


def test_a_small_all_reduce_is_near_the_measured_one():
    """NCCL on H100 with NVLink: 6.2, 9.5, 15.6 us over 2, 4, 8 ranks (aiconfigurator-core 0.12.0 tables)."""
    predicted = all_reduce_s(np.array([2.0, 4.0, 8.0]), np.full(3, 512.0), NET)
    assert predicted == pytest.approx([6.2e-6, 9.5e-6, 15.6e-6], rel=0.25)


def test_all_to_all_leaves_the_domain_by_the_share_outside():
    time = all_to_all_s(np.array([16.0]), np.array([1e9]), NET)[0]
    assert time == pytest.approx(6e-6 + 12e-6 + 0.5e9 / 45e9)


def test_no_domain_means_no_inside_link():
    lone = dataclasses.replace(NET, domain=1, up_gb_s=0.0)
    assert all_reduce_s(np.array([2.0]), np.array([1e6]), lone)[0] == pytest.approx(12e-6 + 1e6 / 45e9)
    assert hand_over_s(np.array([2.0]), ONE, np.array([45e3]), lone)[0] == pytest.approx(2 * 7e-6)


def test_speculation_by_hand():
    assert accepted_tokens(3, 0.5) == pytest.approx(1.875)
    assert speculative_tpot_s(np.array([0.02]), 0.001, 3, 0.5)[0] == pytest.approx(0.023 / 1.875)
    assert accepted_tokens(4, 1.0) == 5


def test_scales_are_streamed_with_the_weights_and_formats_that_a_chip_lacks_are_unpacked():
    """NVFP4 is 4.5 bits a weight, MXFP4 4.25; Hopper multiplies neither: 16-bit products, some bandwidth lost."""
    assert (stored_bytes("fp4", "bf16"), stored_bytes("fp4", "fp4")) == (0.5625, 0.53125)
    blackwell = dataclasses.replace(H100, fp4_tflops=7916.0)
    packed, native = cell(weights="fp4"), cell(card=blackwell, weights="fp4")
    assert not computes_in(H100, "fp4")
    assert computes_in(blackwell, "fp4")
    assert packed.weight_rate == pytest.approx(native.weight_rate * native.fit.unpacked_bandwidth)
    assert packed.matmul_rate == pytest.approx(native.matmul_rate * 989 / 7916)


def test_engines_without_kernels_of_their_own_wait_longer_for_a_small_all_reduce():
    old = system(LLAMA70, H100, links(H100), engine="fastertransformer")
    latency = [decode_parts(s, Layout.of(8), ONE, np.zeros(1))["collectives"][0] for s in (cell(), old)]
    assert latency[0] < 160 * 15e-6 < latency[1]


def test_a_short_prompt_waits_for_the_hosts_launches_and_a_long_one_does_not():
    """Passes with prompts are launched kernel by kernel: at least that long, and beside long work it hardly shows."""
    s = cell()
    launches = s.arch.layers * s.fit.layer_s * s.fit.pace
    host = launches * s.fit.prompt_launches
    eager, captured = s, dataclasses.replace(s, fit=dataclasses.replace(s.fit, prompt_launches=1.0))
    short, long = (np.array([tokens]) for tokens in (1.0, 2.0**16))
    layout = Layout.of(8)
    assert chunk_s(eager, layout, short, short)[0] >= host
    assert chunk_s(eager, layout, short, short)[0] > 1.2 * chunk_s(captured, Layout.of(8), short, short)[0]
    assert chunk_s(eager, layout, long, long)[0] == pytest.approx(chunk_s(captured, Layout.of(8), long, long)[0],
                                                                  rel=0.01)
