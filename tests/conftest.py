"""What the tests share."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

SHARED = Path(__file__).parents[1].parent / "shared"

# Compiling a kernel in the first example takes seconds, so no example has a deadline.
settings.register_profile("local", deadline=None, max_examples=100)
settings.register_profile("ci", deadline=None, max_examples=100, derandomize=True, database=None)
settings.load_profile("ci" if os.environ.get("CI") else "local")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with the published contracts, value lists and accreditation sets."""
    if not SHARED.is_dir():
        pytest.skip(f"{SHARED} is not there: the published contracts and accreditation sets are kept apart")
    return SHARED
