"""Modes of serving that a scenario asks for reach the configurations that its plan may use."""

import numpy as np
import pytest

from capacity.catalogue import load_catalogue
from capacity.problem.configurations import activities, configurations
from capacity.problem.pods import pods
from capacity.problem.world import World
from capacity.scenario.check import disagreements
from tests.support.scenarios import BASE, round_catalogue, scenario

FAR_S = 0.2
SMALL = {"model": "llama3.1-8b", "weights": "fp8", "equivalence": {"chat": 1.0}}
LARGE = {"model": "llama3.1-70b", "weights": "bf16", "equivalence": {"chat": 1.0}}


def offered(catalogue=None, **changes):
    world = World(scenario(**changes), catalogue or load_catalogue())
    return world, configurations(world, pods(world), np.array([0.0, FAR_S]))[0]


def best(made):
    return made["instances_per_accelerator"].max()


def test_nothing_but_whole_copies_unless_asked():
    _, made = offered(variants={"v": SMALL}, serving={"plans_per_cell": 8})
    assert set(made["mode"]) == {"plain"}


def test_copies_side_by_side_on_one_accelerator():
    world, made = offered(variants={"v": SMALL}, serving={"plans_per_cell": 8, "copies_per_accelerator": 8})
    part = made[made["mode"] == "part"]
    assert len(part)
    assert (part["accelerators"] < 1).all()
    rows = activities(world, part, FAR_S)
    np.testing.assert_allclose(rows["output_per_unit"], part["instances"] / part["accelerators"])


def test_prefill_in_a_pool_of_its_own_in_the_same_pod():
    agents = {"chat": {**BASE["classes"]["chat"], "fresh_input_tokens": "200k", "tpot": "15 ms"}}
    _, plain = offered(variants={"v": {**LARGE, "weights": "fp8"}}, classes=agents)
    _, made = offered(variants={"v": {**LARGE, "weights": "fp8"}}, classes=agents,
                      serving={"plans_per_cell": 1, "disaggregated": True})
    assert set(made["mode"]) == {"disaggregated"}
    assert set(made["prefill_on"]) == {"h200-sxm"}
    assert (made["accelerators"] <= 1000).all()
    assert best(made) > best(plain)


def test_weights_that_do_not_fit_stream_where_the_class_is_patient():
    patient = {"chat": {"output_tokens": 100, "fresh_input_tokens": 100, "context_mean": "1k", "turns": 1,
                        "ttft": "900 s", "tpot": "60 s"}}
    one = {"plans_per_cell": 1, "max_accelerators_per_copy": 1}
    variants = {"v": {**LARGE, "model": "gpt3-davinci", "kv": "fp16", "weights": "fp8"}}
    assert offered(variants=variants, classes=patient, serving=one)[1].empty
    _, made = offered(variants=variants, classes=patient, serving={**one, "weight_streaming": True})
    assert set(made["mode"]) == {"streamed"}
    assert (made["tpot_s"] <= 60).all()


def test_a_draft_and_a_shared_prompt_serve_more():
    quick = {"chat": {**BASE["classes"]["chat"], "tpot": "15 ms"}}
    draft = {"tokens": 4, "acceptance": 0.9, "model": "llama3.1-8b"}
    _, plain = offered(variants={"v": LARGE}, classes=quick)
    _, drafted = offered(variants={"v": {**LARGE, "draft": draft}}, classes=quick)
    assert best(drafted) > best(plain)
    many = {"chat": {**quick["chat"], "branches": 8, "tpot": "25 ms"}}
    _, apart = offered(variants={"v": LARGE}, classes=many)
    _, shared = offered(variants={"v": LARGE}, classes=many, serving={"plans_per_cell": 1, "shared_prefix": True})
    assert best(shared) > best(apart)


@pytest.mark.parametrize("draft", [{"tokens": 4, "acceptance": 0.9},
                                   {"tokens": 4, "acceptance": 0.9, "model": "llama3.1-8b", "cost": 0.1}])
def test_a_draft_is_a_model_or_a_cost(draft):
    (path, reason), = disagreements(scenario(variants={"v": {**LARGE, "draft": draft}}))
    assert path == ("variants", "v", "draft")
    assert "`model` or `cost`" in reason


def test_a_calibration_laid_over_ours_counts(tmp_path):
    """Half the bandwidth measured, fewer instances planned."""
    header = "parameter,generation,precision,engine,fabric,value,low,high,unit,rows,source,as_of,confidence\n"
    mine = header + "kv_bandwidth,hopper,*,*,*,0.1,0.1,0.1,share,1,my own,2026-08,published\n"
    _, ours = offered(round_catalogue(tmp_path), variants={"v": LARGE})
    _, theirs = offered(round_catalogue(tmp_path, calibration=mine), variants={"v": LARGE})
    assert best(theirs) < 0.7 * best(ours)
