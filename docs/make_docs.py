"""Makes the generated pages of docs/ again: faults/ from the rules, report.schema.json from the report."""

from __future__ import annotations

from pathlib import Path

from bootsniff.report.explain import markdown, markdown_index, pages
from bootsniff.report.schema import schema_text

DOCS = Path(__file__).parent


def generated() -> dict[Path, str]:
    """Every generated file and what belongs into it."""
    faults = DOCS / "faults"
    files = {DOCS / "report.schema.json": schema_text(), faults / "README.md": markdown_index()}
    return files | {faults / f"{page.code}.md": markdown(page) for page in pages()}


def main() -> None:
    """Write the files, and remove pages of rules that are gone."""
    files = generated()
    (DOCS / "faults").mkdir(exist_ok=True)
    for path in set((DOCS / "faults").glob("*.md")) - set(files):
        path.unlink()
    for path, text in files.items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
