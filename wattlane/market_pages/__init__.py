"""A market's own pages: the day's prices, the order book, an interval, a home's orders and dues.

From the kit of the explorer's pages, over the same views as the market's API; all of it is public.
"""
