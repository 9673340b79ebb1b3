"""docs/sdk.md: the SDK that `wattlane` exports, from its signatures and docstrings."""

from __future__ import annotations

import dataclasses
import enum
import inspect
from collections.abc import Iterator

import wattlane
from channels import errors
from channels.handle import ChannelHandle
from channels.policy import Policy
from channels.records import Bill, Direction

_BESIDE: tuple[type, ...] = (ChannelHandle, Policy, Bill, Direction)
"""What the exported classes take and give back."""

_HEAD = """# The SDK

`from wattlane import {names}`: what a household's own program needs. Methods
that talk to anyone are coroutines. Every error is a `channels.errors.ChannelsError`; they are
listed at the end. [tutorial.md](tutorial.md) is the way through it.
"""


def sdk_page() -> str:
    """The page's text."""
    exported = [getattr(wattlane, name) for name in wattlane.__all__]
    parts = [_HEAD.format(names=", ".join(wattlane.__all__))]
    parts += [part for kind in (*exported, *_BESIDE) for part in _class(kind)]
    parts += _errors()
    return "\n".join(parts).rstrip() + "\n"


def _class(kind: type) -> Iterator[str]:
    yield f"## {kind.__name__}\n"
    yield f"`{kind.__module__}.{kind.__name__}`\n"
    yield _prose(kind) + "\n"
    if issubclass(kind, enum.Enum):
        for member in kind:
            yield f"- `{member.name}` = `{member.value!r}`"
        yield ""
        return
    if dataclasses.is_dataclass(kind):
        yield from _fields(kind)
    for name, member in sorted(vars(kind).items()):
        if not name.startswith("_"):
            yield from _member(kind, name, member)


def _fields(kind: type) -> Iterator[str]:
    for field in dataclasses.fields(kind):
        default = ""
        if field.default is not dataclasses.MISSING:
            default = f" = {_plain(repr(field.default))}"
        yield f"- `{field.name}: {_annotation(field.type)}{default}`"
    yield ""


def _member(kind: type, name: str, member: object) -> Iterator[str]:
    if isinstance(member, property) and member.fget is not None:
        returns = inspect.signature(member.fget).return_annotation
        yield f"### {kind.__name__}.{name}\n"
        yield f"`{name}: {_annotation(returns)}`\n"
        yield _prose(member.fget) + "\n"
        return
    is_class_method = isinstance(member, classmethod)
    function = member.__func__ if isinstance(member, classmethod | staticmethod) else member
    if not inspect.isfunction(function):
        return
    prefix = "async " if inspect.iscoroutinefunction(function) else ""
    binding = "classmethod " if is_class_method else ""
    yield f"### {kind.__name__}.{name}\n"
    yield f"```python\n{binding}{prefix}{name}{_signature(function)}\n```\n"
    yield _prose(function) + "\n"


def _signature(function: object) -> str:
    assert callable(function)
    found = inspect.signature(function)
    own = [one for one in found.parameters.values() if one.name not in ("self", "cls")]
    text = str(found.replace(parameters=own))
    return _plain(text.replace("'", ""))


def _annotation(annotation: object) -> str:
    return annotation if isinstance(annotation, str) else getattr(annotation, "__name__", "")


def _plain(text: str) -> str:
    return text if " at 0x" not in text else text.split(" at 0x")[0] + " ...>"


def _prose(thing: object) -> str:
    return inspect.cleandoc(getattr(thing, "__doc__", None) or "").strip()


def _errors() -> list[str]:
    lines = ["## Errors\n", "| error | kind | meaning |", "| --- | --- | --- |"]
    for name in sorted(errors.__all__):
        kind = getattr(errors, name)
        meaning = _prose(kind).splitlines()[0]
        lines.append(f"| `{name}` | `{kind.__bases__[0].__name__}` | {meaning} |")
    return lines
