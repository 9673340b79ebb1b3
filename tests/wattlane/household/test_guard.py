from __future__ import annotations

import pytest

from wattlane.household.guard import MOST_SESSIONS, Guard


def test_only_the_links_token_opens_a_session() -> None:
    guard = Guard(8_650)
    assert guard.open("") is None
    assert guard.open(guard.token + "x") is None
    assert guard.open("ü") is None
    session = guard.open(guard.token)
    assert session is not None
    assert guard.knows(session)
    assert session != guard.token  # a cookie is seen by every port of this machine
    for unknown in (None, "", guard.token, session + "x"):
        assert not guard.knows(unknown)
    assert not Guard(8_650).knows(session)


def test_sessions_are_bounded() -> None:
    guard = Guard(8_650)
    sessions = [guard.open(guard.token) for _ in range(MOST_SESSIONS + 1)]
    assert [guard.knows(one) for one in sessions] == [False] + [True] * MOST_SESSIONS


@pytest.mark.parametrize(
    ("host", "is_own"),
    [
        ("127.0.0.1:8650", True),
        ("localhost:8650", True),
        ("LOCALHOST:8650", True),
        ("[::1]:8650", True),
        ("127.0.0.1", False),
        ("127.0.0.1:8651", False),
        ("evil.example:8650", False),
        ("127.0.0.1:8650.evil.example", False),
        ("", False),
    ],
)
def test_a_foreign_name_is_no_host_of_ours(host: str, is_own: bool) -> None:
    assert Guard(8_650).is_own_host(host) == is_own


@pytest.mark.parametrize(
    ("origin", "site", "is_own"),
    [
        ("null", "same-origin", True),
        ("http://127.0.0.1:8650", "same-origin", True),
        (None, None, True),
        ("http://127.0.0.1:8650", None, True),
        ("null", "cross-site", False),
        ("http://127.0.0.1:8651", "same-site", False),
        ("http://127.0.0.1:8651", None, False),
        ("https://evil.example", None, False),
        (None, "none", False),
    ],
)
def test_a_change_comes_from_our_own_pages(
    origin: str | None, site: str | None, is_own: bool
) -> None:
    assert Guard(8_650).is_own_origin(origin, site) == is_own


def test_forms_belong_to_a_session() -> None:
    guard = Guard(8_650)
    first, second = guard.open(guard.token), guard.open(guard.token)
    assert first is not None
    assert second is not None
    assert guard.is_form_token(first, guard.form_token(first))
    assert not guard.is_form_token(first, guard.form_token(second))
    assert not guard.is_form_token(first, "")
    assert not guard.is_form_token(first, "ü")
