"""The rules that channels, sequencer, prover and contracts share (docs/protocol.md).

Pure: no I/O, no clock, no randomness, no logging, no floats.
"""
