"""The pages that people look at: what stands on each, how it is written, templates and styles.

Everything here is pure but for reading the ledger: HTTP is in sequencer/api/routes/pages.py, and a
household's own page (wattlane/household) is built from the same kit.
"""
