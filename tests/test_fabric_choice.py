"""What the network is worth: the shipped scenario whose best fabric turns with the latency target and the model."""

import json

import pytest
from typer.testing import CliRunner

from capacity.cli.app import app
from capacity.plan import load_plan

TIGHT = ["classes.agent.tpot=20 ms"]
GROWN = ["variants.served.model=deepseek-v3x1000", "demand.classes.agent.start=20k"]


@pytest.fixture(scope="module")
def fabric_of(tmp_path_factory):
    """The fabric that most accelerators are bought on, and the largest copy."""

    def solve(sets):
        folder = tmp_path_factory.mktemp("plan") / "plan"
        wanted = [word for change in sets for word in ("--set", change)]
        done = CliRunner().invoke(app, ["solve", "fabric-choice", *wanted, "--gap", "0.1%", "--out", str(folder),
                                        "--json"])
        assert done.exit_code == 0, done.output
        assert all(stage["gap"] <= 0.001 for stage in json.loads(done.stdout)["stages"])
        plan = load_plan(folder)
        bought, copies = plan.table("pods"), plan.table("sharding")["copy_accelerators"]
        return bought.groupby("fabric")["accelerators"].sum().idxmax(), int(copies.max())

    return {name: solve(sets) for name, sets in {"base": [], "tight": TIGHT, "grown": GROWN}.items()}


def test_a_copy_in_one_host_needs_no_more_than_a_torus(fabric_of):
    fabric, copy = fabric_of["base"]
    assert fabric == "torus-3d"
    assert copy == 8


def test_a_tight_target_spreads_the_experts_and_pays_for_rails(fabric_of):
    fabric, copy = fabric_of["tight"]
    assert fabric == "rail-2tier"
    assert copy > 8


def test_a_thousandfold_model_lives_on_its_fabric(fabric_of):
    fabric, copy = fabric_of["grown"]
    assert fabric == "rail-2tier"
    assert copy > 1000
