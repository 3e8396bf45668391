"""Fixtures of the live sources."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from .netns import Namespace, new_namespace


@pytest.fixture
def namespace() -> Iterator[Namespace]:
    """A namespace that the test runs in, with a veth pair that is up."""
    with new_namespace(f"bootsniff-test-{os.getpid()}") as made:
        yield made
