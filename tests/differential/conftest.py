"""Executor and circuit run many times: on the compiled primitives."""

from __future__ import annotations

from protocol.crypto import compiled

compiled.install()
