"""The demo: a street trades for a day, with real processes, real proofs and a real L1."""
