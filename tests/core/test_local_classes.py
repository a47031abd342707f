from cqrs_nest.core.local_classes import LocalClasses


def test_a_function_may_make_any_number_of_classes() -> None:
    """Finding out that one is new must not compare it with all that are known."""
    compared = 0

    class Counting(type):
        def __eq__(cls, other: object) -> bool:
            nonlocal compared
            compared += 1
            return cls is other

        __hash__ = type.__hash__

    known = LocalClasses()
    for _ in range(500):

        class Local(metaclass=Counting): ...

        known.add(Local)
    assert compared < 500
