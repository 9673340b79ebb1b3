"""A household's own page, served by its own node on loopback: its day and its way out.

It is the household's and not the operator's: what a home buys and holds never goes to the
operator's origin, and "leave now" works when the operator is gone. Built from the explorer's kit.
"""
