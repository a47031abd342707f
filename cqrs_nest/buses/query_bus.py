"""The query bus: one query, one handler, one answer."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

from cqrs_nest.buses.errors import QueryHandlerNotFoundException
from cqrs_nest.buses.message_bus import MessageBus
from cqrs_nest.buses.messages import Query
from cqrs_nest.common.metadata import SetMetadata
from cqrs_nest.common.providers import HOW_TO_PROVIDE

ResultT = TypeVar("ResultT")


@SetMetadata(HOW_TO_PROVIDE, "add CqrsModule to the imports of {module}")
class QueryBus(MessageBus):
    """Hands a query to its handler."""

    kind = "query"
    not_found = QueryHandlerNotFoundException

    def execute(self, query: Query[ResultT]) -> Coroutine[Any, Any, ResultT]:
        """Give the handler's answer. Errors of the handler arrive unchanged.

        Raises QueryHandlerNotFoundException, at the call, when no class handles the query.
        """
        cls = type(query)
        return (self._compiled.get(cls) or self._compile(cls))(query)
