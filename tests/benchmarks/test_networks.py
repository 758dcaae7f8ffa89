"""Network design through the waist: published optima, hand counts, rows. SNDlib's own files only where they are."""

import os
from pathlib import Path

import pandas as pd
import pytest

from benchmarks.reference import read
from benchmarks.reference_networks import reoriented
from capacity.errors import InputError
from tests.benchmarks.files import DATA, optimum, rules, written

CMND = DATA / "cmnd"
SNDLIB = os.environ.get("CAPACITY_SNDLIB")

RING = """?SNDlib native format; type: network; version: 1.0
NODES (
  A ( 0.00 0.00 )
  B ( 1.00 0.00 )
  C ( 0.00 1.00 )
)
# comment
LINKS (
  AB ( A B ) 0.00 0.00 0.00 9.00 ( 4.00 5.00 8.00 7.00 )
  AC ( A C ) 0.00 0.00 0.00 9.00 ( 4.00 3.00 )
  BC ( B C ) 4.00 2.00 0.50 9.00 ( )
)
DEMANDS (
  D1 ( A B ) 1 3.00 UNLIMITED
  D2 ( A C ) 2 1.00 2
  D3 ( C A ) 1 4.00 UNLIMITED
)
ADMISSIBLE_PATHS ( )
"""
"""BC stands already (4, at a cost of 2) and charges 0.5 an amount; setup costs, hops and paths are not asked for."""


@pytest.mark.parametrize(("name", "objective"), [("r01.1", 74079), ("r04.2", 48920)])
def test_fixed_charge_optima(name, objective):
    assert optimum("cmnd", CMND / f"{name}.dow") == ("optimal", pytest.approx(objective, rel=1e-6), 0)


def test_fixed_charge_without_room():
    assert optimum("cmnd", CMND / "r01.7.dow") == ("infeasible", None, 3)


def test_rows_of_fixed_charge_design():
    """Flows: 10 demands, each with a balance at its 9 places but the source; no capacity row without an arc."""
    found = rules("cmnd", CMND / "r01.1.dow")
    assert set(found) == {
        "what_arrives_stays_or_goes_on", "lit_modules_carry_each_direction",
        "a_module_carries_no_more_than_all_of_a_flow",
    }
    assert found["what_arrives_stays_or_goes_on"] == 10 * 9
    assert found["lit_modules_carry_each_direction"] == 35


@pytest.mark.parametrize(("variant", "objective"), [
    ("U-U-M-N-C-A-N-N", 9 + 3 * 0.5),
    ("D-U-M-N-C-A-N-N", 9 + 3 * 0.5),
    ("D-B-M-N-C-A-N-N", 6 + 3 * 0.5),
    ("U-U-E-N-C-A-N-N", 7 + 3 + 2 * 0.5),
    ("U-U-L-N-C-A-N-N", 3 * 0.875 + 6 * 0.75),
])
def test_by_hand(tmp_path, variant, objective):
    """9 leave or enter A. Shared: 3 modules of AC, and 3 on over BC for 0.5 each (M); at most one module a link: 8 on
    AB and 4 on AC, and 2 of C's 6 go over BC (E); by the unit 7/8 on AB, 3/4 on AC (L). With a capacity each way 5
    leave A over 2 modules of AC and 4 come back free. And 2 for what stands."""
    file = written(tmp_path, "ring.txt", RING)
    assert optimum("sndlib", file, variant) == ("optimal", pytest.approx(objective + 2), 0)


def test_routing_cost_of_the_busier_direction(tmp_path):
    """0.2 on AC. Each direction pays: 3 over AB, 2 and 4 over AC. The busier one: AC twice for 5 and 4, 3 over BC."""
    text = RING.replace("0.00 0.00 0.00 9.00 ( 4.00 3.00 )", "0.00 0.00 0.20 9.00 ( 4.00 3.00 )")
    file = written(tmp_path, "ring.txt", text)
    assert optimum("sndlib", file, "D-B-M-N-C-A-N-N")[1] == pytest.approx(2 + 5 + 3 + 0.2 * (2 + 4))
    suffix = " (routing cost max of directions)"
    assert optimum("sndlib", file, "D-B-M-N-C-A-N-N" + suffix)[1] == pytest.approx(2 + 6 + 0.2 * 5 + 0.5 * 3)


def test_undirected_demands_have_few_sources():
    """A star of demands has one source, whichever way each was written."""
    star = pd.DataFrame([("A", "B", 1.0), ("C", "A", 2.0), ("A", "D", 3.0)], columns=["source", "sink", "amount"])
    turned = reoriented(star)
    assert set(turned["source"]) == {"A"}
    assert dict(zip(turned["sink"], turned["amount"], strict=True)) == {"B": 1, "C": 2, "D": 3}


@pytest.mark.parametrize(("change", "variant", "said"), [
    (("( 4.00 3.00 )", "( 4.00 )"), "", "link 'AC': modules are pairs"),
    (("D2 ( A C )", "D2 A C"), "", "line 15 is no line of DEMANDS"),
    (("LINKS (", "EDGES ("), "", "section LINKS is missing"),
    (("A C ) 0.00", "A X ) 0.00"), "", "to 'X' is not in table places"),
    (("", ""), "U-U-M-N-I-A-N-N", "routing 'I' is not offered; allowed: C"),
    (("", ""), "U-B-M-N-C-A-N-N", "undirected demands need undirected links"),
    (("", ""), "U-U-M", "eight letters"),
])
def test_bad_files_and_models_are_told(tmp_path, change, variant, said):
    with pytest.raises(InputError, match=said):
        read("sndlib", written(tmp_path, "bad.txt", RING.replace(*change) if change[0] else RING), variant)


def test_a_short_arc_list_is_told(tmp_path):
    with pytest.raises(InputError, match="2 arcs, 1 commodities: 17 numbers are expected"):
        read("cmnd", written(tmp_path, "bad.dow", "TITLE:\n 2 2 1\n1 2 3 4 5 1 1\n1 2 9\n"))


@pytest.mark.skipif(not SNDLIB, reason="CAPACITY_SNDLIB names no folder of SNDlib's native files")
@pytest.mark.parametrize(("name", "variant", "objective"), [
    ("abilene", "U-U-M-N-C-A-N-N", 194020), ("polska", "U-U-M-N-C-A-N-N", 23619),
    ("atlanta", "U-U-M-N-C-A-N-N", 86492550.3), ("atlanta", "D-B-M-N-C-A-N-N", 46244642.4),
    ("atlanta", "D-B-M-N-C-A-N-N (routing cost max of directions)", 37120715.4),
])
def test_sndlib(name, variant, objective):
    file = Path(SNDLIB) / f"{name}.txt"
    assert optimum("sndlib", file, variant) == ("optimal", pytest.approx(objective, rel=1e-6), 0)
