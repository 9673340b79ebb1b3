"""Who may see a household's page: whoever has the link that the node printed, on this machine.

The link's token stands behind the #, so it is in no log and no Referer; a script exchanges it for
a cookie (HttpOnly, SameSite=Strict). The Host header must be our own (a foreign name that resolves
to 127.0.0.1 is refused), and every change needs the session's own form token besides.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections import OrderedDict

MOST_SESSIONS = 16


class Guard:
    """The token, and the sessions opened with it; all of them end with the process."""

    def __init__(self, port: int) -> None:
        self.token = secrets.token_urlsafe(24)
        self.cookie = f"wattlane-{port}"
        self._hosts = frozenset(f"{name}:{port}" for name in ("127.0.0.1", "localhost", "[::1]"))
        self._origins = frozenset(f"http://{host}" for host in self._hosts)
        self._secret = secrets.token_bytes(32)
        self._sessions: OrderedDict[str, None] = OrderedDict()

    def is_own_host(self, host: str) -> bool:
        """Whether a request was meant for us. Ref: DNS rebinding."""
        return host.lower() in self._hosts

    def is_own_origin(self, origin: str | None, site: str | None) -> bool:
        """Whether a change comes from our own pages, by the headers that browsers add.

        `site` (Sec-Fetch-Site) decides where there is one: a page without referrers sends its own
        forms with the origin "null".
        """
        if site is not None:
            return site == "same-origin"
        return origin is None or origin in self._origins

    def open(self, token: str) -> str | None:
        """A new session's cookie for the right token; None for any other."""
        if not secrets.compare_digest(token.encode(), self.token.encode()):
            return None
        session = secrets.token_urlsafe(24)
        self._sessions[session] = None
        while len(self._sessions) > MOST_SESSIONS:
            self._sessions.popitem(last=False)
        return session

    def knows(self, session: str | None) -> bool:
        """Whether this is the cookie of an open session."""
        return session is not None and session in self._sessions

    def form_token(self, session: str) -> str:
        """What a session's forms carry."""
        return hmac.new(self._secret, session.encode(), hashlib.sha256).hexdigest()

    def is_form_token(self, session: str, given: str) -> bool:
        """Whether a form was made for this session."""
        return hmac.compare_digest(self.form_token(session).encode(), given.encode())
