"""Options and settings that hold for all tests."""

import pytest
from hypothesis import settings

# No test asserts a duration: a busy machine is no failure.
settings.register_profile("bootsniff", deadline=None)
settings.load_profile("bootsniff")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write the golden reports anew; read the difference")
