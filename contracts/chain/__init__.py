"""Development chains, each in its own process: `start_chain("anvil")` or `start_chain("embedded")`.

Whoever uses one gets a URL, as from any other L1; nothing outside this package knows more.
"""

from contracts.chain.chain import Chain, ChainUnavailable, dev_account, start_chain

__all__ = ["Chain", "ChainUnavailable", "dev_account", "start_chain"]
