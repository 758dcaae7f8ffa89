import pytest

from tests.studies.world import write_world


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """Path of a scenario that solves in a second."""
    return write_world(tmp_path_factory.mktemp("world"))
