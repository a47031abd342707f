"""Depth-first order of a graph, without recursion: chains may be longer than Python's stack."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

N = TypeVar("N")


def depth_first(
    roots: Iterable[N],
    successors: Callable[[N], Iterable[N]],
    on_cycle: Callable[[list[N]], None] | None = None,
) -> list[N]:
    """All reachable nodes, each after its successors.

    `on_cycle` is given the path of each cycle met, from the node that closes it; the closing edge is then
    ignored.

    >>> depth_first("a", {"a": "bc", "b": "c", "c": ""}.__getitem__)
    ['c', 'b', 'a']
    """
    finished: dict[N, None] = {}
    open_nodes: dict[N, None] = {}
    for root in roots:
        if root in finished:
            continue
        open_nodes[root] = None
        stack: list[tuple[N, Iterator[N]]] = [(root, iter(successors(root)))]
        while stack:
            node, remaining = stack[-1]
            for successor in remaining:
                if successor in open_nodes:
                    if on_cycle is not None:
                        path = list(open_nodes)
                        on_cycle(path[path.index(successor) :])
                elif successor not in finished:
                    open_nodes[successor] = None
                    stack.append((successor, iter(successors(successor))))
                    break
            else:
                stack.pop()
                del open_nodes[node]
                finished[node] = None
    return list(finished)
