"""`Dto`: the base of request and response models."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import wraps
from typing import Any, Optional

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel
from pydantic.fields import FieldInfo

from cqrs_nest.common.lambda_runtime import starts_on_demand


class Dto(BaseModel):
    """A model with snake_case attributes and camelCase names on the wire; unknown properties are dropped.

    A subclass may reshape what it inherits, not its own fields: `partial=True` makes every field optional
    (null is accepted, None stands for an absent one), `pick=[...]` keeps only the named fields, `omit=[...]`
    leaves them out. Given values are still checked. Type checkers go on seeing the base's types.

    Raises ValueError when `pick` or `omit` names a field that the base does not have.

    >>> class CreateTodo(Dto):
    ...     name: str
    ...     due_date: str | None = None
    >>> class UpdateTodo(CreateTodo, partial=True):
    ...     version: int
    >>> UpdateTodo.model_validate({"version": 1, "dueDate": "2030-01-01"})
    UpdateTodo(name=None, due_date='2030-01-01', version=1)
    """

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="ignore", defer_build=starts_on_demand()
    )

    def __init_subclass__(
        cls,
        *,
        partial: bool = False,
        pick: Collection[str] = (),
        omit: Collection[str] = (),
        **kwargs: Any,
    ) -> None:
        super().__init_subclass__(**kwargs)

    @classmethod
    def __pydantic_init_subclass__(
        cls,
        *,
        partial: bool = False,
        pick: Collection[str] = (),
        omit: Collection[str] = (),
        **kwargs: Any,
    ) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        if partial or pick or omit:
            _reshape(cls, partial, frozenset(pick or cls.model_fields), frozenset(omit))


def _reshape(cls: type[Dto], partial: bool, pick: frozenset[str], omit: frozenset[str]) -> None:
    fields = cls.__pydantic_fields__
    inherited = fields.keys() - vars(cls).get("__annotations__", {}).keys()
    unknown = (pick | omit) - fields.keys()
    if unknown:
        raise ValueError(f"{cls.__name__}: its base has no field {', '.join(sorted(unknown))}")
    for name in inherited:
        if name in omit or name not in pick:
            del fields[name]
        elif partial:
            _make_optional(fields[name])
    _adapt_validators(cls, partial)
    if not cls.model_config.get("defer_build"):
        cls.model_rebuild(force=True, raise_errors=False)


def _make_optional(field: FieldInfo) -> None:
    field.annotation = Optional[field.annotation]  # type: ignore[assignment]  # noqa: UP045 (a run-time value)
    if field.is_required():
        field.default = None


def _adapt_validators(cls: type[Dto], partial: bool) -> None:
    """Let inherited validators live with fields that are gone, and spare them a null they never expected."""
    decorators = cls.__pydantic_decorators__
    for serializer in decorators.field_serializers.values():
        serializer.info.check_fields = False
    for name, validator in decorators.field_validators.items():
        validator.info.check_fields = False
        if partial and name not in vars(cls):
            validator.func = _skipping_null(validator.func)


def _skipping_null(validate: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(validate)
    def validate_unless_null(value: Any, *rest: Any) -> Any:
        return None if value is None else validate(value, *rest)

    return validate_unless_null
