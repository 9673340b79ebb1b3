from __future__ import annotations

import pytest

from sequencer.pages import formats


@pytest.mark.parametrize(
    ("amount_ntok", "short", "exact"),
    [
        (0, "0.0000", "0.000000000"),
        (1, "0.0000", "0.000000001"),
        (1_234_567_890_123, "1,234.5678", "1,234.567890123"),
        (-1_500_000_000, "−1.5000", "−1.500000000"),
        (2**64 - 1, "18,446,744,073.7095", "18,446,744,073.709551615"),
    ],
)
def test_tokens_are_cut_never_rounded(amount_ntok: int, short: str, exact: str) -> None:
    assert (formats.tokens(amount_ntok), formats.tokens_exactly(amount_ntok)) == (short, exact)


@pytest.mark.parametrize(
    ("energy_wh", "text"),
    [
        (0, "0 Wh"),
        (9_999, "9,999 Wh"),
        (10_000, "10.000 kWh"),
        (1_234_567, "1,234.567 kWh"),
        (-12_345, "−12.345 kWh"),
    ],
)
def test_energy_is_exact(energy_wh: int, text: str) -> None:
    assert formats.energy(energy_wh) == text


def test_times_have_a_zone_and_survive_any_number() -> None:
    assert formats.moment(1_790_000_000) == "2026-09-21 14:13:20 UTC"
    assert formats.machine_moment(1_790_000_000) == "2026-09-21T14:13:20Z"
    assert formats.moment(2**40 - 1).startswith("9999-")


def test_spans_and_words() -> None:
    given = (0, 119, 120, 7_199, 7_200, 172_800)
    shown = ["0 s", "119 s", "2 min", "119 min", "2 h", "2 days"]
    assert [formats.span(one) for one in given] == shown
    assert formats.words("start_close on L1") == "Start close on L1"
    assert [formats.plural(one, "proof") for one in (0, 1, 2)] == [
        "0 proofs",
        "1 proof",
        "2 proofs",
    ]
    assert formats.short("0x" + "a" * 64) == "0xaaaaaaaa…aaaaaa"
    assert formats.price(200_000) == "0.2"
