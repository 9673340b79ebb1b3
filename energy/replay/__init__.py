"""A year of a street, cleared again hour by hour without payments: what trades, and what not."""
