"""Collectives by hand, and against NCCL's measured tables."""

import dataclasses

import numpy as np
import pytest

from capacity.catalogue import load_catalogue
from capacity.catalogue.cards import Interconnect
from capacity.catalogue.locate import data_folder
from capacity.serving.calibration import default_calibration
from capacity.serving.collectives import all_reduce_s, all_to_all_s, collective_s, faster_s, own_reduce_s
from capacity.serving.measured import read_measurements
from capacity.serving.predict import predict_collectives

NET = Interconnect(8, 3e-6, 450.0, 0.8, 6e-6, 50.0, 0.9, 4096, bulk=2.5)
SMALL, LARGE = 8 * 2**10, 2**30


def test_the_quick_protocol_halves_the_rate_and_the_bulk_one_takes_longer_to_start():
    """10 us and 5 us of moving: 10 + 10 against 25 + 5; and 40 us of moving: 10 + 80 against 25 + 40."""
    assert faster_s(np.array([10e-6]), np.array([5e-6, 40e-6]), 2.5) == pytest.approx([20e-6, 65e-6])


def test_all_reduce_of_eight_by_hand():
    """Latency 4 x 3 us; 64 KB move in 2 x 7/8 x 65536 / 360e9, too little for the bulk protocol; 512 MB enough."""
    small, large = collective_s("all_reduce", np.array([8.0, 8.0]), np.array([65536.0, 0.512e9]), NET)
    assert small == pytest.approx(12e-6 + 2 * 1.75 * 65536 / 360e9)
    assert large == pytest.approx(30e-6 + 1.75 * 0.512e9 / 360e9)


def test_halves_of_an_all_reduce_move_half_and_an_all_to_all_once():
    ranks, volume = np.array([8.0]), np.array([1e9])
    whole, half, exchange = (collective_s(kind, ranks, volume, NET)[0]
                             for kind in ("all_reduce", "all_gather", "alltoall"))
    assert whole - 30e-6 == pytest.approx(2 * (half - 30e-6))
    assert exchange == pytest.approx(15e-6 + 0.875e9 / 360e9)


def test_ranks_behind_one_hosts_bridges_share_their_rate():
    """0.5 a doubling: two ranks keep all of 360 GB/s, eight a quarter."""
    shared = dataclasses.replace(NET, up_doubling=0.5)
    pair, eight = all_reduce_s(np.array([2.0, 8.0]), np.array([1e9, 1e9]), shared)
    assert pair == pytest.approx(6e-6 + 1e9 / 360e9)
    assert eight == pytest.approx(12e-6 + 1.75e9 / 90e9)
    assert all_to_all_s(np.array([8.0]), np.array([1e9]), shared)[0] == pytest.approx(6e-6 + 0.875e9 / 90e9)


def test_a_collective_across_domains_takes_the_network_too():
    inside, across = collective_s("all_reduce", np.array([8.0, 16.0]), np.array([1e9, 1e9]), NET)
    assert across - inside == pytest.approx(2 * 6e-6 * 2.5 + 1e9 / 8 / 45e9)


def test_all_reduce_is_within_a_quarter_of_every_nccl_table_and_group_size():
    catalogue = load_catalogue()
    rows = read_measurements(sorted((data_folder() / "measured").glob("nccl_*.csv")), catalogue)
    value = predict_collectives(rows, catalogue, default_calibration())
    rows = rows.loc[value.index].assign(error=(value / rows["value"] - 1).abs(), ranks=rows["tp"] * rows["replicas"])
    asked = rows[(rows["collective"] == "all_reduce") & rows["batch"].between(SMALL, LARGE)]
    table = asked.groupby(["file", "accelerator", "ranks"])["error"].agg(["median", "size"])
    assert len(table) >= 26
    assert (table["size"] >= 9).all()
    assert table.index.get_level_values("ranks").max() == 16  # two hosts
    assert (table["median"] <= 0.25).all(), table[table["median"] > 0.25]
    assert asked["error"].median() < 0.12


def test_groups_under_one_leaf_keep_the_figures_of_neighbours_on_a_thin_fabric():
    thin = dataclasses.replace(NET, out_gb_s=12.5, near=32, near_alpha_s=5e-6, near_gb_s=50.0)
    close, far = all_reduce_s(np.array([32.0, 64.0]), np.array([1e9, 1e9]), thin)
    inside = 12e-6 + 1.75e9 / 360e9
    assert close == pytest.approx(inside + 4 * 5e-6 + 1.5 * 1e9 / 8 / 45e9)
    assert far == pytest.approx(inside + 6 * 6e-6 + 1.75 * 1e9 / 8 / 11.25e9)


def test_an_engines_own_all_reduce_signals_once_or_twice_whatever_the_group():
    """Eight ranks of 450 GB/s x 0.7: one shot sends 7 V after one exchange, two shots 1.75 V after two; 4 us each."""
    net = Interconnect(8, 3e-6, 450.0, 0.7, 5e-6, 50.0, 0.9, 4096)
    groups = np.array([1.0, 2.0, 4.0, 8.0])
    assert own_reduce_s(groups, np.zeros(4), net, 4e-6, 1) == pytest.approx([0.0, 4e-6, 4e-6, 4e-6])
    once, twice = (own_reduce_s(np.array([8.0]), np.array([1e6]), net, 4e-6, shots)[0] for shots in (1, 2))
    assert once == pytest.approx(4e-6 + 7e6 / 315e9)
    assert twice == pytest.approx(8e-6 + 1.75e6 / 315e9)
    beyond = own_reduce_s(np.array([16.0]), np.zeros(1), net, 4e-6, 1)[0]
    assert beyond == pytest.approx(4e-6 + 2 * 5e-6)
