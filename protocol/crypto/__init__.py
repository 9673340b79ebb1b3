"""Primitives of docs/protocol.md section 2 in plain Python ints: the specification."""
