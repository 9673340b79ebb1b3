"""What turns a real source into samples, one a kind: CSV, OCMF, DSMR P1, SunSpec.

An adapter is an async iterator of Sample over one meter. What it refuses goes to the caller's
`refused`, which raises unless the caller decides to go on; nothing is dropped unseen.
"""
