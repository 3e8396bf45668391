"""Options and settings that hold for all tests."""

import pytest
from hypothesis import settings

from bootsniff.rules.diagnosis import Diagnosis

# No test asserts a duration: a busy machine is no failure.
settings.register_profile("bootsniff", deadline=None)
settings.load_profile("bootsniff")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write the golden reports anew; read the difference")


@pytest.fixture(autouse=True)
def _strict(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """No report goes on without what a bug of ours cost, except in tests of just that."""
    if request.node.get_closest_marker("forgiving") is not None:
        return
    begin = Diagnosis.__init__

    def strictly(self: Diagnosis, **settings: object) -> None:
        begin(self, **{**settings, "strict": True})  # type: ignore[arg-type]

    monkeypatch.setattr(Diagnosis, "__init__", strictly)
