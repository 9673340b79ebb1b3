"""Executor against circuit, slot by slot, over as many random transactions as there is time for.

    python -m tests.differential --transactions 1000000 --state FILE

Stopped and started again with the same file, it goes on where it was.
"""
