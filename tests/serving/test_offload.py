import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity.errors import InputError
from capacity.serving.offload import shared_link_bytes_s, stream, streamed_step_s

MS = 1e-3


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


def test_known_bounds_of_a_link():
    assert streamed_step_s(16e9, 0, 16e9, 0.2) == pytest.approx(1.0)
    assert streamed_step_s(1e12, 0, 1e12, 0.0) == pytest.approx(1.0)
    lanes = shared_link_bytes_s(8, 31.5e9)
    assert lanes == pytest.approx(252e9)
    assert streamed_step_s(300e9, 48e9, lanes, 0.0) == pytest.approx(1.0)
    assert streamed_step_s(300e9, 48e9, shared_link_bytes_s(4, 31.5e9), 0.0) == pytest.approx(2.0)
    assert streamed_step_s(300e9, 48e9, shared_link_bytes_s(8, 31.5e9, root_bytes_s=126e9), 0.0) == pytest.approx(2.0)


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
