"""Amounts of tokens are exact both ways."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattlane.errors import BadChoice
from wattlane.money import parse_tokens, show_energy, show_ether, show_tokens


@given(st.integers(1, 2**64 - 1))
def test_what_is_shown_is_read_back(amount_ntok: int) -> None:
    assert parse_tokens(show_tokens(amount_ntok)) == amount_ntok


@pytest.mark.parametrize(
    ("text", "amount_ntok"),
    [("12.5", 12_500_000_000), ("12", 12 * 10**9), ("0.000000001", 1), ("007.10", 7_100_000_000)],
)
def test_decimal_amounts_are_whole_ntok(text: str, amount_ntok: int) -> None:
    assert parse_tokens(text) == amount_ntok


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "0.0",
        "-1",
        "+1",
        "1e3",
        "1,5",
        ".5",
        "5.",
        "nan",
        "1.0000000001",
        " 1",
        "١",
        "18446744073.709551616",
        "9" * 4000,
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(BadChoice):
        parse_tokens(text)


def test_shown_amounts_are_cut_not_rounded() -> None:
    assert show_tokens(1_999_999_999, 4) == "1.9999"
    assert show_tokens(-1_500_000_000, 4) == "-1.5000"
    assert show_energy(28_558) == "28.558"


@pytest.mark.parametrize(
    ("amount_wei", "shown"),
    [
        (0, "0"),
        (10**18, "1"),
        (10**13, "0.00001"),
        (1, "0.000000000000000001"),
        (15 * 10**17, "1.5"),
    ],
)
def test_ether_has_the_places_that_it_takes(amount_wei: int, shown: str) -> None:
    assert show_ether(amount_wei) == shown
