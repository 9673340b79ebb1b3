"""The market and the meter: who sells to whom, at what price, on whose word.

Pure cores (meters, orders, clearing, settlement, bills, community) with adapters around them. A
core takes times as arguments, and money and energy are integers: ntok, Wh, utok per kWh.
Ref: docs/market.md.
"""
