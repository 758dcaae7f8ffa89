"""The shipped scenarios from scenario to audited plan; the default one is long and runs with `make test-long`."""

import json

import pytest
from typer.testing import CliRunner

from capacity.cli.app import app
from capacity.plan import audit, check_audit, load_plan


def solved(name, folder, gap="2%"):
    """(summary, plan) of a shipped scenario, solved through the command line."""
    done = CliRunner().invoke(app, ["solve", name, "--gap", gap, "--out", str(folder / name), "--json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout), load_plan(folder / name)


def check_sound(summary, plan, gap=0.02):
    assert all(stage["gap"] <= gap for stage in summary["stages"])
    report = audit(plan.scenario, plan.problem, plan.values, plan.stages)
    check_audit(report)
    assert report["rows_checked"].sum() > 20


@pytest.mark.parametrize("name", ["gpt3-2021", "single-lab", "thousand-fold"])
def test_small_scenarios_are_proven_and_sound(name, tmp_path):
    check_sound(*solved(name, tmp_path))


def test_a_copy_of_a_thousand_gpt3_spans_racks(tmp_path):
    _, plan = solved("thousand-fold", tmp_path)
    sharding = plan.table("sharding")
    assert len(sharding)
    assert (sharding["copy_accelerators"] > 72).all()
    assert sharding["meets_slo"].all()


@pytest.mark.long
def test_supply_or_power_binds_in_the_default_scenario(tmp_path):
    summary, plan = solved("human-equivalents", tmp_path)
    check_sound(summary, plan)
    assert summary["first_short_year"] is not None
    limits = plan.table("limits")
    binding = set(limits.loc[limits["binding"] & (limits["year"] >= summary["first_short_year"]), "topic"])
    assert binding & {"power supply", "HBM supply", "accelerator supply"}
