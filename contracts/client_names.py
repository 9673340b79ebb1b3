"""Whose share of a service a request takes: an address's, and an IPv6 household's /64."""

from __future__ import annotations

import ipaddress

_IPV6_HOUSEHOLD = 64


def name_of(address: str) -> str:
    """Whose share a request from this address takes."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, _IPV6_HOUSEHOLD), strict=False))
    return str(parsed)


def whose(client: tuple[str, int] | None) -> str:
    """As `name_of`, for what a connection says of its client, if it says anything."""
    return "unknown" if client is None else name_of(client[0])
