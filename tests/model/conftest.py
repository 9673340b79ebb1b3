"""The model runs the executor many times: on the compiled primitives."""

from __future__ import annotations

from protocol.crypto import compiled

compiled.install()
