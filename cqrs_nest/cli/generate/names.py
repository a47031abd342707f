"""The name of something to generate, in every form that code needs it."""

from __future__ import annotations

import keyword
import re
from dataclasses import dataclass
from typing import Self

_WORD = re.compile(r"[A-Z]+(?![a-z])[0-9]*|[A-Z]?[a-z]+[0-9]*")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*([-_ ][A-Za-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class Name:
    """Words in small letters.

    >>> Name.parse("OrderItem") == Name.parse("order-item") == Name.parse("order_item")
    True
    >>> name = Name.parse("OrderItem")
    >>> name.snake, name.kebab, name.pascal, name.constant, name.text
    ('order_item', 'order-item', 'OrderItem', 'ORDER_ITEM', 'order item')
    >>> name.plural.kebab, name.with_article
    ('order-items', 'an order item')
    """

    words: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> Self:
        """The name that is written in any style. Raises ValueError for what no name can be made of."""
        words = tuple(word.lower() for word in _WORD.findall(text))
        if _NAME.fullmatch(text) is None or "".join(words) != re.sub("[-_ ]", "", text).lower():
            raise ValueError(
                f"{text!r} is no name; write letters and digits: order-item, OrderItem, order_item"
            )
        if len(text) > 60:
            raise ValueError("a name has 60 characters at the most")
        name = cls(words)
        if keyword.iskeyword(name.snake) or keyword.issoftkeyword(name.snake):
            raise ValueError(f"{name.snake!r} is a word of Python itself; choose another name")
        return name

    @property
    def snake(self) -> str:
        """As files and variables are called."""
        return "_".join(self.words)

    @property
    def kebab(self) -> str:
        """As paths and tables are called."""
        return "-".join(self.words)

    @property
    def pascal(self) -> str:
        """As classes are called."""
        return "".join(word.capitalize() for word in self.words)

    @property
    def constant(self) -> str:
        """As constants are called."""
        return self.snake.upper()

    @property
    def text(self) -> str:
        """As sentences call it."""
        return " ".join(self.words)

    @property
    def title(self) -> str:
        """As a sentence begins with it."""
        return self.text.capitalize()

    @property
    def with_article(self) -> str:
        """One of it, in a sentence."""
        return f"{'an' if self.text[0] in 'aeiou' else 'a'} {self.text}"

    @property
    def plural(self) -> Name:
        """Several of it."""
        return Name((*self.words[:-1], _plural(self.words[-1])))

    def without_suffix(self, *suffixes: Name) -> Name:
        """The words before the first suffix that it ends in; itself if it ends in none or is one.

        >>> Name.parse("list-orders").without_suffix(Name(("order",)), Name(("orders",))).kebab
        'list'
        """
        for suffix in suffixes:
            count = len(suffix.words)
            if len(self.words) > count and self.words[-count:] == suffix.words:
                return Name(self.words[:-count])
        return self


def _plural(word: str) -> str:
    if re.search("[^aeiou]y$", word):
        return f"{word[:-1]}ies"
    return f"{word}es" if re.search("(s|x|z|ch|sh)$", word) else f"{word}s"
