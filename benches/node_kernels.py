"""Loads the compiled kernels when it is imported: by the server that all homes are forked from."""

from protocol.crypto import compiled

compiled.warm()
