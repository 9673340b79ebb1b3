from __future__ import annotations

from pathlib import Path

import pytest

from sequencer.errors import BadSettings
from sequencer.settings import FILE, Settings, load_settings, make_settings, save_settings

VALUES: dict[str, object] = {
    "l1_url": 'http://127.0.0.1:8545/a"b\\c',
    "chain_id": 31_337,
    "contract": "0x" + "ab" * 20,
    "operator_index": 0,
    "confirmations": 0,
    "maximum_age_s": 2.5,
}


@pytest.fixture
def saved(tmp_path: Path) -> Settings:
    settings = make_settings({**VALUES, "folder": tmp_path})
    save_settings(settings)
    return settings


def test_what_was_saved_is_loaded(saved: Settings) -> None:
    assert load_settings(saved.folder).model_dump() == saved.model_dump()


def test_environment_overrides_the_file_and_arguments_override_both(
    saved: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATTLANE_POLL_S", "7.5")
    monkeypatch.setenv("WATTLANE_MAXIMUM_AGE_S", "9")
    monkeypatch.setenv("WATTLANE_PASSPHRASE", "not a setting")
    loaded = load_settings(saved.folder, maximum_age_s=4)
    assert (loaded.poll_s, loaded.maximum_age_s) == (7.5, 4.0)


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ('chain_id = "x"', "chain_id"),
        ("operator_index = 16777216", "operator_index"),
        ('contract = "0x12"', "contract"),
        ("listen_port = 70000", "listen_port"),
        ("minimum_fee_ntok = -1", "minimum_fee_ntok"),
        ("unknown_name = 1", "unknown_name"),
        ("confirmations = -1", "confirmations"),
        ("proofs_per_batch = 0", "proofs_per_batch"),
        ("proofs_per_batch = 17", "proofs_per_batch"),
        ("this is not TOML", "Expected '='"),
    ],
)
def test_a_bad_line_is_an_error_that_names_it(saved: Settings, line: str, names: str) -> None:
    path = saved.folder / FILE
    name = line.split(" ")[0]
    kept = [one for one in path.read_text().splitlines() if not one.startswith(name + " ")]
    path.write_text("\n".join([*kept, line]))
    with pytest.raises(BadSettings, match=names):
        load_settings(saved.folder)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"patient_above_gwei": 20.0, "patient_age_s": 3_600},
            r"patient_age_s \(3600\) must be below included_within_s \(3600\): every receipt",
        ),
        (
            {"maximum_age_s": 86_400.5},
            r"maximum_age_s \(86400.5\) must be below included_within_s \(3600\)",
        ),
        ({"included_within_s": 2}, r"maximum_age_s \(2.5\) must be below included_within_s \(2\)"),
    ],
)
def test_no_wait_may_break_what_receipts_promise(
    saved: Settings, given: dict[str, object], said: str
) -> None:
    with pytest.raises(BadSettings, match=f": {said}") as caught:
        load_settings(saved.folder, **given)
    assert "Value error" not in str(caught.value)
    with pytest.raises(BadSettings, match=f"^{said}"):
        make_settings({**VALUES, "folder": saved.folder, **given})


def test_a_patience_that_is_never_used_may_be_any(saved: Settings) -> None:
    load_settings(saved.folder, included_within_s=600)
    load_settings(saved.folder, patient_above_gwei=20.0, patient_age_s=3_599.5)


def test_no_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="sequencer init"):
        load_settings(tmp_path)


def test_nothing_secret_is_in_the_file(saved: Settings) -> None:
    text = (saved.folder / FILE).read_text().lower()
    assert "passphrase" not in text
    assert "private" not in text
