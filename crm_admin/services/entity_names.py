"""Entities by their names, and the tables behind them."""

from functools import cache

from sqlalchemy import Table

from crm_admin.models.base import Model, Record


@cache
def all_of() -> dict[str, type[Record]]:
    """Return {table: entity} of all records people see, in the same order in every process."""
    found = (m.class_ for m in Model.registry.mappers)
    named = {m.__tablename__: m for m in found if issubclass(m, Record)}
    return dict(sorted(named.items()))


def model_of(entity: str) -> type[Record] | None:
    """Return the entity with this name, or None."""
    return all_of().get(entity)


@cache
def owned(model: type[Record]) -> bool:
    """Return whether records of this entity, or those they belong to, are somebody's."""
    if model.owners or not model.follows:
        return bool(model.owners)
    above = target_of(model, model.follows)
    return above is not model and owned(above)


def table_of(model: type[Model]) -> Table:
    """Return the table behind an entity."""
    table = model.__table__
    assert isinstance(table, Table)
    return table


def target_of(model: type[Model], key: str) -> type[Record]:
    """Return the entity a foreign key points at."""
    [foreign] = table_of(model).c[key].foreign_keys
    found = model_of(foreign.column.table.name)
    assert found is not None
    return found
