"""The registries of classes, one for each, do what those of SQLAlchemy do."""

from __future__ import annotations

import gc
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import orm

import sqlsoup
from sqlsoup import SQLSoup, _sa


@pytest.fixture
def staff(soup: SQLSoup) -> Any:
    """Return a class that is mapped to a table which refers to itself."""
    soup.execute("CREATE TABLE staff (id INTEGER PRIMARY KEY, boss_id INTEGER REFERENCES staff)")
    soup.execute("INSERT INTO staff VALUES (1, NULL), (2, 1)")
    return soup.staff


@pytest.mark.parametrize("name", ["MappedStaff", "sqlsoup.MappedStaff"])
def test_a_class_by_its_own_name(staff: Any, name: str) -> None:
    """A relationship to its own class can name it, and columns by it."""
    staff.relate("boss", name, remote_side=f"{name}.id")
    assert staff.get(2).boss is staff.get(1)


@pytest.mark.parametrize("name", ["MappedOther", "sqlsoup.MappedOther", "other.MappedStaff"])
def test_another_name(staff: Any, name: str) -> None:
    """No other name is found."""
    with pytest.raises(sa.exc.InvalidRequestError, match="failed to locate a name"):
        staff.relate("boss", name)


def heir_of(cls: Any, name: str = "Heir") -> Any:
    """Map a heir of a class in its registry."""
    heir = type(name, (cls,), {})
    sa.inspect(cls).registry.map_imperatively(heir, inherits=cls)
    return heir


def test_an_heir_in_the_registry(staff: Any) -> None:
    """A second class of a registry is found by its name, until it is collected."""
    registry = sa.inspect(staff).registry
    heir = heir_of(staff)
    assert registry.mappers == {sa.inspect(staff), sa.inspect(heir)}
    staff.relate("heir", "Heir", primaryjoin="foreign(Heir.id) == MappedStaff.id", uselist=False)
    assert sa.inspect(staff).relationships["heir"].mapper is sa.inspect(heir)


def test_an_heir_that_is_collected(staff: Any) -> None:
    """The name of a class that is gone is free for another."""
    registry = sa.inspect(staff).registry
    names: Any = registry._class_registry
    heir_of(staff)
    gc.collect()
    assert registry.mappers == {sa.inspect(staff)}
    assert "Heir" not in names
    with pytest.raises(KeyError):
        names["Heir"]
    heir_of(staff)


def test_two_heirs_of_one_name(staff: Any) -> None:
    """SQLAlchemy says so when a name is not clear."""
    heirs = [heir_of(staff), heir_of(staff)]
    assert len({*heirs}) == 2
    with pytest.raises(sa.exc.InvalidRequestError, match="Multiple classes found"):
        staff.relate("heir", "Heir")


def test_a_registry_that_is_disposed(staff: Any) -> None:
    """A registry can be disposed; its classes are mapped no more."""
    sa.inspect(staff).registry.dispose()
    assert sa.inspect(staff, raiseerr=False) is None


def test_a_manager_that_is_collected_meanwhile() -> None:
    """What is collected while a registry is disposed is left out."""
    managers = _sa._Managers(lambda: None)
    assert [*managers] == []
    with pytest.raises(KeyError):
        managers.popitem()


def test_types_for_annotations(staff: Any, soup: SQLSoup) -> None:
    """A registry has a map of its own of types for annotations, which declarative heirs use."""
    own, other = (sa.inspect(cls).registry for cls in (staff, soup.users))
    own.update_type_annotation_map({str: sa.String(7)})
    assert [str in registry.type_annotation_map for registry in (own, other)] == [True, False]


@pytest.mark.parametrize("lean", [True, False])
def test_hooks_of_a_base_class(
    staff: Any, lite: sa.Engine, monkeypatch: pytest.MonkeyPatch, *, lean: bool
) -> None:
    """Hooks of declarative classes are called where SQLAlchemy's own registry calls them."""
    monkeypatch.setattr(_sa, "_LEAN", lean and _sa._LEAN)
    called = []

    class Hooked:
        @classmethod
        def __declare_first__(cls) -> None:
            called.append("first")

        @classmethod
        def __declare_last__(cls) -> None:
            called.append("last")

    plain = type("Plain", (Hooked,), {})
    orm.registry().map_imperatively(plain, staff._table)
    orm.configure_mappers()
    expected, called[:] = [*called], []
    db = SQLSoup(lite, base=Hooked)
    db.execute("CREATE TABLE other (id INTEGER PRIMARY KEY)")
    assert sqlsoup.as_dicts(db.other) == []
    orm.configure_mappers()
    assert [*dict.fromkeys(called)] == [*dict.fromkeys(expected)]
