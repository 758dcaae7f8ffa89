"""The recourse problem by mpi-sppy on two and three ranks of one machine, against our own program of all futures."""

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from capacity.errors import InputError
from capacity.studies.risk import compile_futures, read_risk, weigh

MPIEXEC = shutil.which("mpiexec", path=str(Path(sys.executable).parent)) or shutil.which("mpiexec")
MISSING = [name for name in ("mpisppy", "mpi4py") if importlib.util.find_spec(name) is None]
FILE = """\
scenario: {tiny}
set: [money.capex_budget=null]
reveal: 2028
lead: 0
gap: 0
futures:
- {{name: calm, weight: 3, set: {{demand.amount: x0.7}}}}
- {{name: boom, weight: 1, set: {{demand.amount: x1.3}}}}
- {{name: calamity, weight: 1, set: {{demand.amount: x0.4}}}}
"""


@pytest.fixture
def futures(tiny, tmp_path):
    path = tmp_path / "futures.yaml"
    path.write_text(FILE.format(tiny=tiny))
    return path


@pytest.mark.long
@pytest.mark.skipif(MPIEXEC is None, reason="no MPI: mpiexec is not on the path")
@pytest.mark.skipif(bool(MISSING), reason=f"the extra `mpi` is not installed: {', '.join(MISSING)}")
@pytest.mark.parametrize("ranks", [2, 3])
def test_ranks_agree_with_one_program(futures, ranks):
    command = [MPIEXEC, "-np", str(ranks), sys.executable, "-m", "capacity.studies.mpi", str(futures), "--rho", "5"]
    made = subprocess.run(command, capture_output=True, text=True, timeout=400, check=True)
    told = json.loads(next(line for line in made.stdout.splitlines() if line.startswith("{")))
    ours = weigh(compile_futures(read_risk(futures)))
    assert told["ranks"] == ranks
    assert told["bound"] <= ours.expected + 1e-4 * abs(ours.expected)
    assert told["bound"] >= ours.wait_and_see - 1e-3 * abs(ours.wait_and_see)
    if told["spread"] < 1e-5:  # the ranks agreed on one commitment: it is a plan, so it cannot be better than the best
        assert told["expected"] >= ours.expected - 1e-4 * abs(ours.expected)


@pytest.mark.skipif(bool(MISSING), reason=f"the extra `mpi` is not installed: {', '.join(MISSING)}")
def test_only_what_is_committed_before_the_reveal_is_shared(futures):
    from capacity.studies.mpi import commitments, scenario_creator

    spec = read_risk(futures)
    model = scenario_creator("calm", spec)
    names = [v.name for v in commitments(model, spec)]
    assert names
    assert all("2027" in name for name in names)
    assert model._mpisppy_probability == pytest.approx(0.6)
    with pytest.raises(InputError, match="there are: calm, boom"):
        scenario_creator("clam", spec)
    with pytest.raises(InputError, match="one year of reveal"):
        scenario_creator("calm", spec.model_copy(update={"reveal": {"a": 2028}}))
