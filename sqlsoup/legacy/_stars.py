"""What ``import *`` of SQLAlchemy gives: more than in 1.3, and never over a name of the program."""

from __future__ import annotations

from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

import sqlalchemy.engine
import sqlalchemy.orm.interfaces
import sqlalchemy.sql.expression

from sqlsoup.legacy._frames import ours, reads, stores_before
from sqlsoup.legacy._notes import note

if TYPE_CHECKING:
    from types import FrameType


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


GIVEN: dict[ModuleType, frozenset[str]] = {
    sqlalchemy: _words(
        """
        ARRAY BIGINT BINARY BLANK_SCHEMA BLOB BOOLEAN BigInteger Binary Boolean CHAR CLOB
        CheckConstraint Column ColumnDefault Computed Constraint DATE DATETIME DDL DECIMAL
        Date DateTime DefaultClause Enum FLOAT FetchedValue Float ForeignKey
        ForeignKeyConstraint INT INTEGER IdentityOptions Index Integer Interval JSON
        LargeBinary MetaData NCHAR NUMERIC NVARCHAR Numeric PassiveDefault PickleType
        PrimaryKeyConstraint REAL SMALLINT Sequence SmallInteger String TEXT TIME TIMESTAMP
        Table Text ThreadLocalMetaData Time TypeDecorator Unicode UnicodeText
        UniqueConstraint VARBINARY VARCHAR alias all_ and_ any_ asc between bindparam case
        cast collate column create_engine delete desc distinct engine_from_config except_
        except_all exists extract false func funcfilter insert inspect intersect
        intersect_all join lateral literal literal_column modifier not_ null nullsfirst
        nullslast or_ outerjoin outparam over select subquery table tablesample text true
        tuple_ type_coerce union union_all update within_group
        """
    ),
    sqlalchemy.orm: _words(
        """
        AliasOption AttributeExtension Bundle ColumnProperty ComparableProperty
        CompositeProperty EXT_CONTINUE EXT_SKIP EXT_STOP Load Mapper MapperExtension
        PropComparator Query RelationshipProperty Session SessionExtension SynonymProperty
        aliased backref class_mapper clear_mappers close_all_sessions column_property
        comparable_property compile_mappers composite configure_mappers contains_alias
        contains_eager create_session defaultload defer deferred dynamic_loader eagerload
        eagerload_all foreign immediateload join joinedload joinedload_all lazyload
        lazyload_all load_only make_transient make_transient_to_detached mapper noload
        object_mapper object_session outerjoin polymorphic_union public_factory
        query_expression raiseload reconstructor relation relationship remote scoped_session
        selectin_polymorphic selectinload selectinload_all sessionmaker subqueryload
        subqueryload_all synonym undefer undefer_group validates was_deleted with_expression
        with_parent with_polymorphic
        """
    ),
    sqlalchemy.sql: _words(
        """
        Alias ClauseElement ClauseVisitor ColumnCollection ColumnElement CompoundSelect
        Delete False_ FromClause Insert Join Select Selectable TableClause TableSample True_
        Update alias all_ and_ any_ asc between bindparam case cast collate column cte
        delete desc distinct except_ except_all exists extract false func funcfilter insert
        intersect intersect_all join label lateral literal literal_column modifier not_ null
        nullsfirst nullslast or_ outerjoin outparam over quoted_name select subquery table
        tablesample text true tuple_ type_coerce union union_all update within_group
        """
    ),
    sqlalchemy.sql.expression: _words(
        """
        Alias ClauseElement ColumnCollection ColumnElement CompoundSelect Delete FromClause
        Insert Join Lateral Select Selectable TableClause TableSample Update alias all_ and_
        any_ asc between bindparam case cast collate column cte delete desc distinct except_
        except_all exists extract func insert intersect intersect_all join label lateral
        literal literal_column modifier not_ null nullsfirst nullslast or_ outerjoin outparam
        over quoted_name select subquery table tablesample text tuple_ type_coerce union
        union_all update within_group
        """
    ),
    sqlalchemy.orm.interfaces: _words(
        """
        AttributeExtension EXT_CONTINUE EXT_SKIP EXT_STOP LoaderStrategy MANYTOMANY MANYTOONE
        MapperExtension MapperOption MapperProperty NOT_EXTENSION ONETOMANY PropComparator
        SessionExtension StrategizedProperty
        """
    ),
    sqlalchemy.engine: _words("create_engine engine_from_config"),
}
"""The names that ``import *`` of a module gave in SQLAlchemy 1.3."""


def given_by(module: ModuleType, names: list[str], frame: FrameType) -> list[str]:
    """Return those of the names of a module that ``import *`` gives to a program.

    Those that SQLAlchemy 2 alone gives are left out where the program has the name already, and
    those that it has of Python where that is one of SQLAlchemy.
    """
    names = [name for name in names if not name.startswith("_")]
    kept = {name for name in names if _is_kept(module, name, frame)}
    for name in sorted(kept):
        if reads(frame.f_code, name):
            note("import-all", old=f"import * over the program's {name}")
    return [name for name in names if name not in kept]


def _is_kept(module: ModuleType, name: str, frame: FrameType) -> bool:
    own, given = frame.f_locals.get(name, module), vars(module).get(name)
    if own is module or own is given or name in GIVEN.get(module, (name,)):
        return False
    return stores_before(frame, name) or not (_is_of_sqlalchemy(own) and _is_of_sqlalchemy(given))


def _is_of_sqlalchemy(value: Any) -> bool:
    """Tell if a value may come from another ``import *`` of SQLAlchemy."""
    if isinstance(value, ModuleType):
        return ours(value.__name__)
    return isinstance(value, FunctionType | type) and ours(value.__module__)
