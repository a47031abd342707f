"""What the container costs: putting an application together, and building what lives in a request.

python -m benchmarks container
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import process_time
from typing import Any

from benchmarks.figure import Figure, at_most, beside
from cqrs_nest.common import Injectable, Module, Scope
from cqrs_nest.core import Container, RequestScope

MODULES, PROVIDERS = 50, 10
REQUESTS = 5000
in_request = Injectable(scope=Scope.REQUEST)


def provider(name: str, dependencies: list[type[Any]]) -> type[Any]:
    """A class whose constructor takes the dependencies."""
    source = ", ".join(["self", *(f"d{index}" for index in range(len(dependencies)))])
    namespace: dict[str, Any] = {}
    exec(f"def __init__({source}): self.dependencies = ({source},)", namespace)
    constructor = namespace["__init__"]
    constructor.__annotations__.update({f"d{index}": each for index, each in enumerate(dependencies)})
    return type(name, (), {"__init__": constructor})


def application() -> tuple[type[Any], list[tuple[type[Any], list[type[Any]]]]]:
    """Fresh classes, so that nothing read from an earlier round is reused; with the order to build them."""
    modules: list[type[Any]] = []
    order: list[tuple[type[Any], list[type[Any]]]] = []
    for module_number in range(MODULES):
        classes: list[type[Any]] = []
        for number in range(PROVIDERS):
            imported = [order[-1 - number][0]] if modules else []
            dependencies = [*classes[-2:], *imported]
            classes.append(provider(f"Service{module_number}x{number}", dependencies))
            order.append((classes[-1], dependencies))
        module = type(f"Module{module_number}", (), {})
        Module(imports=modules[-1:], providers=classes, exports=classes[-1:])(module)
        modules.append(module)
    return Module(imports=modules)(type("Root", (), {})), order


def build_by_hand(order: list[tuple[type[Any], list[type[Any]]]]) -> None:
    built: dict[type[Any], Any] = {}
    for cls, dependencies in order:
        built[cls] = cls(*(built[dependency] for dependency in dependencies))


class Settings: ...


class Clock: ...


@in_request
class Caller:
    def __init__(self, settings: Settings) -> None:
        self.settings = settings


@in_request
class Audit:
    def __init__(self, caller: Caller, clock: Clock) -> None:
        self.caller, self.clock = caller, clock


@in_request
class Orders:
    def __init__(self, caller: Caller, audit: Audit) -> None:
        self.caller, self.audit = caller, audit


@in_request
class Controller:
    def __init__(self, settings: Settings, audit: Audit, orders: Orders) -> None:
        self.settings, self.audit, self.orders = settings, audit, orders


@Module(providers=[Settings, Clock, Caller, Audit, Orders, Controller])
class RequestModule: ...


def cpu_of(call: Callable[[], object], times: int = 1) -> float:
    started = process_time()
    for _ in range(times):
        call()
    return (process_time() - started) / times


def measure_start() -> tuple[float, float]:
    """Milliseconds to scan, link, check and build, and to call the same constructors by hand."""
    root, order = application()
    with asyncio.Runner() as runner:
        runner.get_loop()
        ours = cpu_of(lambda: runner.run(Container.create(root)))
    return ours * 1e3, cpu_of(lambda: build_by_hand(order)) * 1e3


def measure_request(container: Container) -> tuple[float, float]:
    """Microseconds to build 4 request-scoped providers over 2 singletons, compiled and by hand."""
    binding = next(each for each in container.modules[0].providers if each.token is Controller)
    settings, clock = container.get(Settings), container.get(Clock)

    def by_hand() -> Controller:
        caller = Caller(settings)
        audit = Audit(caller, clock)
        return Controller(settings, audit, Orders(caller, audit))

    ours = cpu_of(lambda: binding.build(RequestScope()), REQUESTS)
    return ours * 1e6, cpu_of(by_hand, REQUESTS) * 1e6


def measure(rounds: int = 15) -> list[Figure]:
    """Both beside the same constructors called by hand."""
    container = asyncio.run(Container.create(RequestModule))
    starts: list[tuple[float, float]] = []
    requests: list[tuple[float, float]] = []
    for _ in range(rounds + 1):
        starts.append(measure_start())
        requests.append(measure_request(container))
    start = beside(f"start of {MODULES * PROVIDERS} providers in {MODULES} modules", "ms", starts, "by hand")
    request = beside("4 request-scoped providers over 2 singletons", "us", requests, "by hand")
    return [
        start,
        Figure("start of them all", "ms", start.ours, goal=at_most(60)),
        request,
        Figure("request scope", "us", request.ours, goal=at_most(10)),
    ]
