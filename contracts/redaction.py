"""Invariant: what goes through a Redaction is plain data without a secret.

Two nets. What is known to be secret (passphrases, keys, the parts of URLs that grant access) is
replaced wherever it is quoted, in whatever spelling; and of any URL only scheme, host and port are
left, as paths and queries of RPC URLs often are API keys. Only plain values pass at all: of another
object nothing is shown but its type, so nobody's repr can tell what it should not.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable, Mapping, MutableMapping
from pathlib import PurePath
from urllib.parse import parse_qsl, quote, quote_plus, unquote, urlsplit, urlunsplit

HIDDEN = "[hidden]"
SHORTEST = 6
"""What is shorter is no secret worth the name, and would be found in innocent words."""

_MARK = "\0"
"""Stands for what is hidden while URLs are looked for: it splits none."""
_URL = re.compile(r"\b[A-Za-z][A-Za-z0-9+.-]*://[^\s'\"<>`]+")
_SECRET_NAME = re.compile(
    r"pass(word|phrase|wd)|secret|private|mnemonic|recovery_phrase|seed|api_?key|authorization",
    re.IGNORECASE,
)
_LOCAL_SCHEMES = ("sqlite", "file")


def shown_url(url: str) -> str:
    """The URL without credentials, query or path beyond the host: those often hold API keys."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = f":{parts.port}" if parts.port else ""
    return urlunsplit((parts.scheme, host + port, "", "", ""))


class Redaction:
    """A structlog processor, and the same for single texts. Secrets may be added at any time."""

    def __init__(self, secrets: Iterable[str] = (), urls: Iterable[str | None] = ()) -> None:
        """`urls`: those whose passwords, paths and queries grant access; None is passed over."""
        self._pattern: re.Pattern[str] | None = None
        self._spellings: set[str] = set()
        self.add(*secrets)
        self.add_urls(*urls)

    def add(self, *secrets: str) -> None:
        """Hide these from now on, also percent-encoded and escaped."""
        for secret in secrets:
            for spelled in (secret, quote(secret, safe=""), quote_plus(secret), repr(secret)[1:-1]):
                if len(spelled) >= SHORTEST:
                    self._spellings.add(spelled)
        longest_first = sorted(self._spellings, key=len, reverse=True)
        if longest_first:
            self._pattern = re.compile("|".join(map(re.escape, longest_first)), re.IGNORECASE)

    def add_urls(self, *urls: str | None) -> None:
        """Hide what grants access in these; None is passed over."""
        for url in urls:
            if url is not None:
                self.add(*secrets_of(url))

    def add_key(self, key: bytes) -> None:
        """Hide a key in hexadecimal, as bytes are shown, and as a number."""
        self.add(key.hex(), repr(key)[2:-1], str(int.from_bytes(key)))

    def text(self, given: str) -> str:
        """The text without what is hidden."""
        marked = given if self._pattern is None else self._pattern.sub(_MARK, given)
        return _URL.sub(lambda found: _shown(found.group()), marked).replace(_MARK, HIDDEN)

    def value(self, given: object) -> object:
        """A plain value for a log: text, number, or a list or mapping of those."""
        match given:
            case None | bool() | float():
                return given
            case int():
                return given if self.text(str(given)) == str(given) else HIDDEN
            case str():
                return self.text(str(given))
            case BaseException():
                return self.text(f"{type(given).__name__}: {given}")
            case PurePath():
                return self.text(str(given))
            case bytes():
                return f"<{len(given)} bytes>"
            case list() | tuple() | set() | frozenset():
                return [self.value(one) for one in given]
            case Mapping():
                return {str(name): self.named(str(name), one) for name, one in given.items()}
            case _:
                return f"<{type(given).__name__}>"

    def named(self, name: str, given: object) -> object:
        """The same for a value of this name; what is called a secret is not shown at all."""
        return HIDDEN if _SECRET_NAME.search(name) else self.value(given)

    def __call__(
        self, _logger: object, _method: str, event: MutableMapping[str, object]
    ) -> MutableMapping[str, object]:
        """As the last processor before the renderer."""
        return {self.text(name): self.named(name, given) for name, given in event.items()}


def secrets_of(url: str) -> list[str]:
    """The parts of a URL that may grant access: password, long parts of the path, query values."""
    try:
        parts = urlsplit(url)
        password = parts.password
    except ValueError:
        return [url]
    if parts.scheme.partition("+")[0] in _LOCAL_SCHEMES:
        return []
    found: list[str] = []
    if password is not None:
        basic = f"{unquote(parts.username or '')}:{unquote(password)}"
        found += [password, unquote(password), b64encode(basic.encode()).decode()]
    found += [unquote(part) for part in parts.path.split("/") if len(part) >= SHORTEST]
    found += [value for _, value in parse_qsl(parts.query)]
    return found


def _shown(url: str) -> str:
    try:
        parts = urlsplit(url)
        is_local = parts.scheme.partition("+")[0] in _LOCAL_SCHEMES
        return url if is_local and not parts.netloc else shown_url(url)
    except ValueError:
        return f"{url.partition(':')[0]}://{HIDDEN}"
