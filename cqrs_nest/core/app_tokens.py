"""The tokens under which a module may register several enhancers for the whole application."""

from cqrs_nest.common.execution import APP_FILTER, APP_GUARD, APP_INTERCEPTOR, APP_PIPE

APP_TOKENS = frozenset((APP_GUARD, APP_INTERCEPTOR, APP_PIPE, APP_FILTER))
