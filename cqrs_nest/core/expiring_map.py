"""`ExpiringMap`: values that are kept for a while, and no more than so many."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final, Generic, TypeVar

KeyT = TypeVar("KeyT")
ValueT = TypeVar("ValueT")

FEW: Final = 1000
"""Values that are not looked through."""


class ExpiringMap(Generic[KeyT, ValueT]):
    """Each value has a moment from which on it is not there any more, on whatever clock the caller goes by.

    What has expired makes room when something is put: the oldest at once, what lies behind one that lasts
    longer when twice as many are held as were in use. Beyond `most` values the one that was put longest ago
    is forgotten before its time.

    >>> known = ExpiringMap[str, int](most=2)
    >>> known.put("a", 1, until=10.0, now=0.0)
    >>> known.get("a", now=9.0), known.get("a", now=10.0)
    (1, None)
    >>> known.put("b", 2, until=20.0, now=10.0)
    >>> len(known)
    1
    """

    def __init__(self, most: int | None = None) -> None:
        self._most = most
        self._many = FEW
        # A dict would go over all that was deleted before its first entry, each time.
        self._kept: OrderedDict[KeyT, tuple[float, ValueT]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: KeyT, now: float) -> ValueT | None:
        """The value of a key; None when there is none or it has expired."""
        until, value = self._kept.get(key, (now, None))
        return value if now < until else None

    def put(self, key: KeyT, value: ValueT, until: float, now: float) -> None:
        """Keep a value, in the place of an earlier one of its key."""
        self._kept[key] = until, value
        self._kept.move_to_end(key)
        if len(self._kept) > self._many:
            self._forget_all_that_expired(now)
        while self._kept:
            first = next(iter(self._kept))
            is_one_too_many = self._most is not None and len(self._kept) > self._most
            if self._kept[first][0] > now and not is_one_too_many:
                return
            del self._kept[first]

    def forget(self, key: KeyT) -> None:
        """Keep nothing of a key."""
        self._kept.pop(key, None)

    def _forget_all_that_expired(self, now: float) -> None:
        for key in [key for key, (until, _) in self._kept.items() if until <= now]:
            del self._kept[key]
        self._many = max(FEW, 2 * len(self._kept))
