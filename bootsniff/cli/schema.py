"""`bootsniff schema`: the JSON Schema of the report."""

from __future__ import annotations

import argparse
import sys


def run(arguments: argparse.Namespace) -> int:  # noqa: ARG001  (every command has this signature)
    """Print the schema."""
    from ..report.schema import schema_text

    sys.stdout.write(schema_text())
    return 0
