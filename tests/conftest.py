"""Options and settings that hold for all tests."""

import signal

import pytest
from hypothesis import settings

from bootsniff.rules.diagnosis import Diagnosis

# No test asserts a duration: a busy machine is no failure.
settings.register_profile("bootsniff", deadline=None)
settings.load_profile("bootsniff")

# Of a job in the background (`make test &`, nohup) a shell has these ignored, and what it starts inherits that: tests
# that end programs by them would wait for ever.
for _number, _handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, _handler)


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
