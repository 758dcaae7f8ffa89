import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity.catalogue import load_catalogue
from capacity.errors import InputError
from capacity.serving.memory import kv_room, weight_bytes
from capacity.serving.offload import (
    shared_link_bytes_s,
    stalled_s,
    steady_pass_s,
    stream,
    streamed_step_s,
)
from capacity.serving.passes import round_s
from capacity.serving.system import Layout, Stream, system

from .cards import GPT3, H100, LLAMA70, accelerator, links

MS = 1e-3
GB = 1e9


def test_all_layers_fit_and_are_fetched_side_by_side():
    assert stream(100, 10 * MS, 40 * MS, 100).total_s == pytest.approx(1.04, abs=1e-9)


def test_five_slots_hide_the_latency_when_loads_overlap():
    assert stream(100, 10 * MS, 40 * MS, 5).total_s == pytest.approx(1.04, abs=1e-9)


def test_loading_five_then_computing_five_pays_the_latency_each_time():
    assert stream(100, 10 * MS, 40 * MS, 5, fetch="batched").total_s == pytest.approx(1.8, abs=1e-9)


def test_a_bandwidth_bound_link_sets_the_time():
    assert stream(100, 10 * MS, 40 * MS, 5, transfer_s=40 * MS).total_s == pytest.approx(4.01, abs=1e-9)


def test_resident_layers_need_no_link():
    assert stream(100, 10 * MS, 40 * MS, 1, transfer_s=40 * MS, resident=100).total_s == pytest.approx(1.0, abs=1e-9)


def test_sixteen_gigabytes_need_a_second_and_a_terabyte_a_terabyte_a_second():
    assert streamed_step_s(16e9, 0, 16e9, 0.2) == pytest.approx(1.0)
    assert streamed_step_s(1e12, 0, 1e12, 0.0) == pytest.approx(1.0)
    assert streamed_step_s(1e12, 0, 0.5e12, 0.0) == pytest.approx(2.0)


def lane_bytes_s():
    """One lane of PCIe 4.0, from the catalogue's row of a slot of sixteen."""
    return float(load_catalogue().fabric("pcie4x16")["gb_s_per_dir_per_accel"]) * GB / 16


def test_gpt3_on_eight_cards_of_six_gigabytes_by_lanes_and_by_the_root_complex():
    """(300 - 8 x 6) / 252 = 1.0 s over 128 lanes; eight channels of DDR4-3200 give 204.8 GB/s: 1.23 s."""
    host = load_catalogue().row("hosts", "epyc-7003")
    lanes = shared_link_bytes_s(8, 16 * lane_bytes_s())
    assert host["lanes"] == 128
    assert lanes == pytest.approx(252e9) == host["lanes"] * lane_bytes_s()
    assert streamed_step_s(300e9, 8 * 6e9, lanes, 0.0) == pytest.approx(1.0, abs=1e-9)
    root = shared_link_bytes_s(8, 16 * lane_bytes_s(), root_bytes_s=float(host["memory_gb_s"]) * GB)
    assert root == 204.8e9
    assert streamed_step_s(300e9, 8 * 6e9, root, 0.0) == pytest.approx(252 / 204.8, abs=1e-9)


def test_four_cards_of_twelve_gigabytes_with_half_the_lanes_feeding_drives():
    """64 of 128 lanes carry 126 GB/s, whether to the cards or from the drives: (300 - 48) / 126 = 2.0 s."""
    half = shared_link_bytes_s(4, 16 * lane_bytes_s())
    assert half == pytest.approx(126e9)
    assert streamed_step_s(300e9, 4 * 12e9, half, 0.0) == pytest.approx(2.0, abs=1e-9)


def test_a_host_limits_what_its_accelerators_stream_together():
    """The EPYC row behind eight cards: 204.8 GB/s over 8 is 25.6 each, below the slot's 31.5; its drives 14 over 8."""
    chip = load_catalogue().accelerator("rtx3090")
    made = system(LLAMA70, chip, links(chip))
    assert made.shared_rate == pytest.approx(204.8 / 8 * GB * made.fit.host_link)
    assert made.shared_rate < made.host_rate
    assert made.nvme_rate == pytest.approx(14 / 8 * GB)
    lone = system(LLAMA70, H100, links(H100))
    assert lone.shared_rate == lone.host_rate
    assert lone.nvme_rate == 0.0


@given(st.integers(2, 40), st.floats(1e-3, 0.1), st.floats(0, 0.1), st.integers(1, 8), st.floats(1e-4, 0.1))
def test_the_steady_pass_is_the_schedule_repeated(layers, compute, latency, slots, transfer):
    """Of 60 passes with every layer fetched, the time between the first and the last is the closed form's."""
    passes = 60
    run = stream(passes * layers, compute, latency, slots, transfer_s=transfer)
    each = (run.done[-1] - run.done[passes // 2 * layers - 1]) / (passes - passes // 2)
    one = np.ones(1)
    steady = steady_pass_s(layers * compute * one, layers * one, layers * one, transfer * one, latency * one, slots)
    assert each == pytest.approx(steady[0], rel=2e-2)


def test_the_steady_pass_by_hand():
    """Half of 100 layers of 10 ms fetched, 15 ms each: compute (20 ms a fetched layer) hides it, 1 s; at 40 ms: 2 s."""
    ask = dict(zip(("compute_s", "layers", "fetched", "latency_s"), np.array([[1.0], [100], [50], [0.0]]), strict=True))
    assert steady_pass_s(**ask, transfer_s=np.array([15 * MS]), slots=2)[0] == pytest.approx(1.0)
    assert steady_pass_s(**ask, transfer_s=np.array([40 * MS]), slots=2)[0] == pytest.approx(2.0)
    assert steady_pass_s(**ask, transfer_s=np.array([40 * MS]), slots=1)[0] == pytest.approx(50 * 50 * MS)


def streamed(share, rate, slots=2.0, tp=8, pp=1):
    one = np.ones(1)
    return Layout(tp * one, pp * one, one, one, stream=Stream(share * one, rate * one, 1e-5 * one, slots, one > 0))


def test_gpt3_streams_through_eight_small_cards():
    """96 layers over eight links at the host's rate: the pass takes what the link takes, and little is held."""
    card = accelerator("card-6gb", memory_gb=9.0, memory_usable_gb=9.0, host_link_gb_s=31.5)
    made = system(GPT3, card, links(card), weights="fp16", kv="fp16")
    whole, part = Layout.of(8), streamed(1.0, made.host_rate)
    assert kv_room(made, whole)[0] == 0.0
    assert kv_room(made, part)[0] > 0.0
    fetched = (made.arch.attention + made.arch.dense + made.arch.norms) * 2.0
    step = round_s(made, part, np.ones(1), np.full(1, 1000.0))[0]
    assert step == pytest.approx(fetched / (8 * made.host_rate), rel=1e-3)


@given(st.floats(0.01, 1.0), st.floats(1e9, 1e12), st.integers(1, 6), st.sampled_from([1, 2, 8]), st.integers(1, 10),
       st.floats(1, 200))
def test_streaming_is_never_faster_than_resident_and_holds_no_more(share, rate, slots, tp, pp, sequences):
    made = system(LLAMA70, H100, links(H100))
    part, whole = streamed(share, rate, float(slots), tp, pp), Layout.of(tp, pp)
    ask = np.full(1, sequences), np.full(1, 4096.0)
    assert round_s(made, part, *ask)[0] >= round_s(made, whole, *ask)[0] * (1 - 1e-12)
    assert weight_bytes(made, part)[0] <= weight_bytes(made, whole)[0] * (1 + 1e-12)
    assert stalled_s(made, whole, ask[0]) is ask[0]


@given(st.integers(1, 60), st.floats(0, 0.1), st.floats(0, 0.1), st.integers(1, 70), st.floats(0, 0.1), st.data())
def test_a_schedule_keeps_its_bounds_and_slots_never_hurt(layers, compute, latency, slots, transfer, data):
    resident = data.draw(st.integers(0, layers))
    fetch = data.draw(st.sampled_from(["overlapped", "batched"]))
    run = stream(layers, compute, latency, slots, transfer_s=transfer, resident=resident, fetch=fetch)
    more = stream(layers, compute, latency, slots + 1, transfer_s=transfer, resident=resident)
    assert run.total_s >= layers * compute - 1e-9
    assert run.total_s >= (layers - resident) * transfer - 1e-9
    assert more.total_s <= run.total_s + 1e-9


def test_sixteen_gigabytes_over_sixteen_gigabytes_a_second_take_a_second_however_scheduled():
    for slots in (1, 7, 100):
        assert stream(100, 0.0, 0.0, slots, transfer_s=0.16e9 / 16e9).total_s >= 1.0 - 1e-9


def test_bad_arguments_are_refused():
    with pytest.raises(InputError, match="slots"):
        stream(10, 1.0, 1.0, 0)
    with pytest.raises(InputError, match="overlapped, batched"):
        stream(10, 1.0, 1.0, 1, fetch="eager")
    with pytest.raises(InputError, match="above 0"):
        streamed_step_s(1.0, 0.0, 0.0, 1.0)
