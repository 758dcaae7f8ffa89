"""Configurations of more than one site: what is taken, what sending it loads, when they are offered."""

import pytest

from capacity.plan import assemble, audit, check_audit
from capacity.problem import build_problem
from capacity.problem.configurations import configurations
from capacity.problem.joint import joint_configurations
from capacity.problem.pods import pods
from capacity.serving import kv_bytes
from capacity.solving import Options, solve

LARGE = {"v": {"model": "deepseek-v4-pro", "weights": "fp8", "equivalence": {"chat": 1.0}}}
PATIENT = {"chat": {"output_tokens": "30k", "fresh_input_tokens": "10k", "context_mean": "8k", "ttft": "5 s",
                    "tpot": "300 ms"}}
PAIR = {"abilene": None, "columbus": None}


def rows(asked):
    import numpy as np

    designs = pods(asked)
    offered, _ = configurations(asked, designs, np.array([0.02, 0.1]))
    return joint_configurations(asked, designs, offered), offered


def test_nothing_unless_asked_or_needed(world):
    joint, offered = rows(world())
    assert len(offered) > 0
    assert joint.empty


def test_hand_over_by_hand(world):
    """20 turns an hour of 500 fresh tokens: their KV at the prompt, 1,500 answered tokens' KV back."""
    asked = world(links={"handoff": {"within": "150 ms"}})
    joint, _ = rows(asked)
    write, read = (joint[joint["serves_as"] == part].iloc[0] for part in ("write", "read"))
    card = asked.catalogue.model("gpt-oss-120b")
    for name, tokens in (("ship_load", 500), ("ship_back", 1500)):
        gbps = kv_bytes(card, "fp8", tokens) * 8 * 20 / 3600 * 1000 / 1e9
        assert read[name] == pytest.approx(gbps)
    assert write["takes"] == read["makes"] == "prompts of chat | v"
    assert write["taken"] == write["instances_per_accelerator"]
    assert write["ttft_s"] + write["rtt_slack_s"] == pytest.approx(2.0)
    assert write["ttft_s"] > 0.6 * 2.0 + 0.15
    assert read["ttft_s"] <= 0.6 * 2.0


def test_a_copy_too_large_for_a_pod_spans_two_sites(world):
    """Eight H200 hold 1.1 TB; the model needs more, so its pipeline stands at two sites, each token passing both."""
    near = {"span": {"within": "35 ms"}}
    asked = world(classes=PATIENT, variants=LARGE, pods={"size": 8, "spare_share": 0.0}, links=near, sites=PAIR)
    joint, offered = rows(asked)
    assert offered.empty
    head, rest = (joint[joint["serves_as"] == part].iloc[0] for part in ("head", "rest"))
    assert 8 < head["accelerators"] <= 16
    assert head["tpot_s"] <= 0.3
    share = 1 / (1 + head["taken"])  # of the copy's accelerators at the head
    whole = head["instances_per_accelerator"] * share
    card = asked.catalogue.model("deepseek-v4-pro")
    gbps = 40_000 / 3600 * card.d_model * 2 * 8 * 1000 / 1e9
    assert rest["ship_load"] * (1 - share) / whole == pytest.approx(gbps)
    assert rest["ship_load"] == rest["ship_back"]
    assert rest["instances_per_accelerator"] == 1


def test_never_means_never(world):
    asked = world(classes=PATIENT, variants=LARGE, pods={"size": 8}, links={"span": {"offer": "never"}}, sites=PAIR)
    assert rows(asked)[0].empty


def test_a_spanning_copy_is_planned_and_audited(world):
    near = {"span": {"within": "35 ms"}, "sync_share": 0}
    small = {"classes": {"chat": {"start": "2000", "end": "3000"}}, "split": {"usa": 1.0, "eu": 0.0}}
    asked = world(classes=PATIENT, variants=LARGE, pods={"size": 8, "spare_share": 0.0}, links=near, sites=PAIR,
                  demand=small)
    problem = build_problem(asked.scenario, asked.catalogue)
    solution = solve(problem, Options(gap=0.2, threads=1, time_limit=20))
    plan = assemble(asked.scenario, problem, solution)
    check_audit(audit(asked.scenario, problem, solution.values, plan.stages))
    used = set(solution.values["use"]["activity"].str.rsplit(" | ", n=1).str[-1])
    assert used == {"head", "rest"}
    assert plan.tables["schedule"]["instances_served"].gt(0).any()
