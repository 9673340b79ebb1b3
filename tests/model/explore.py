"""Breadth-first search over all worlds that steps lead to, and cycles in which time passes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import TypeVar

Node = TypeVar("Node", bound=Hashable)


def reachable(
    start: Node,
    steps: Callable[[Node], Iterator[tuple[str, Node]]],
    is_bad: Callable[[Node], bool],
) -> tuple[dict[Node, tuple[Node, str] | None], Node | None]:
    """Every node that steps lead to, with the node and step before it; and the first bad one.

    The search ends at the first bad node, to which it has found a shortest way.
    """
    found: dict[Node, tuple[Node, str] | None] = {start: None}
    waiting = deque([start])
    while waiting:
        here = waiting.popleft()
        for name, there in steps(here):
            if there not in found:
                found[there] = (here, name)
                if is_bad(there):
                    return found, there
                waiting.append(there)
    return found, None


def way_to(node: Node, found: Mapping[Node, tuple[Node, str] | None]) -> list[str]:
    """The steps from the start to a node."""
    names = []
    before = found[node]
    while before is not None:
        node, name = before
        names.append(name)
        before = found[node]
    return names[::-1]


def components(
    nodes: Mapping[Node, object], after: Callable[[Node], Iterator[Node]]
) -> dict[Node, int]:
    """The strongly connected component of each node (Tarjan, without recursion)."""
    order: dict[Node, int] = {}
    low: dict[Node, int] = {}
    component: dict[Node, int] = {}
    stack: list[Node] = []
    for root in nodes:
        if root in order:
            continue
        order[root] = low[root] = len(order)
        stack.append(root)
        work = [(root, after(root))]
        while work:
            node, children = work[-1]
            for child in children:
                if child not in order:
                    order[child] = low[child] = len(order)
                    stack.append(child)
                    work.append((child, after(child)))
                    break
                if child not in component:
                    low[node] = min(low[node], order[child])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == order[node]:
                    number = len(component)
                    while True:
                        member = stack.pop()
                        component[member] = number
                        if member == node:
                            break
    return component
