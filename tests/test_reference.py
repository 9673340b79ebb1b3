"""The reference pages are what the code makes them; `python -m tools.reference` writes them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import wattlane
from sequencer import errors as sequencer_errors
from sequencer.problems import codes, is_answerable
from tools import reference


@pytest.mark.parametrize("name", reference.PAGES)
def test_a_page_is_what_the_code_makes_it(name: str) -> None:
    written = (reference.DOCS / name).read_text(encoding="utf-8")
    made = reference.MADE + reference.PAGES[name]()
    assert written == made, f"docs/{name} is out of date: run `python -m tools.reference`"


def test_a_page_that_is_out_of_date_is_named_and_written_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(reference, "DOCS", tmp_path)
    monkeypatch.setattr(reference, "PAGES", {"sdk.md": reference.PAGES["sdk.md"]})
    assert reference.main(["--check"]) == 1
    assert "docs/sdk.md is out of date" in capsys.readouterr().out
    assert reference.main([]) == 0
    assert reference.main(["--check"]) == 0
    (tmp_path / "sdk.md").write_text("something else")
    assert reference.main(["--check"]) == 1


def test_every_code_is_listed_once_with_its_status() -> None:
    page = (reference.DOCS / "api.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d{3}) \| `(\w+)` \|", page, re.MULTILINE)
    assert rows == [(str(code.status), code.name) for code in codes()]
    assert len({name for _, name in rows}) == len(rows)
    assert ("429", "TooManyRequests") in rows
    assert not is_answerable(sequencer_errors.ProofFailed(1, 1, "why"))


def test_the_sdk_page_has_what_is_exported() -> None:
    page = (reference.DOCS / "sdk.md").read_text(encoding="utf-8")
    assert all(f"\n## {name}\n" in page for name in wattlane.__all__)
    assert "### Node.open" in page
