import pytest

from capacity.problem.world import World
from tests.support.scenarios import round_catalogue, scenario


@pytest.fixture(scope="session")
def cat(tmp_path_factory):
    return round_catalogue(tmp_path_factory.mktemp("round"))


@pytest.fixture
def world(cat):
    """A world of the round scenario with changes: world(years={...})."""
    return lambda **changes: World(scenario(**changes), cat)
