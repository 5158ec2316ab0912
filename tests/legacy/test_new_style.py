"""Operations of the new style are no old forms, and go through few functions of the module.

What that costs, new_style.py measures.
"""

from __future__ import annotations

import importlib
from pathlib import Path

import new_style
import pytest
from conftest import called

from sqlsoup import legacy
from sqlsoup.legacy import _mappers, _notes

FOLDER = str(Path(legacy.__file__).parent)

AT_MOST = {
    0: (
        "row_attribute row_unpacked row_mapping row_tuple row_asdict row_compared row_in "
        "row_index_of_orm build_arithmetic types_of_module"
    ),
    1: (
        "fetchall mappings mappings_of_names execute_one execute_text "
        "execute_driver_sql build_division build_concatenation build_case build_cast "
        "build_insert build_insert_of_table build_text"
    ),
    2: (
        "execute_scalar iterate_attribute build_operators build_update build_delete build_alias "
        "table types session_commit_alone"
    ),
    3: (
        "execute_text_made execute_built build_select build_join "
        "build_join_from build_orm_select build_orm_join build_filter_by compile"
    ),
    4: (
        "build_function build_division_of_integers build_exists build_exists_of_select "
        "build_aliased session_begin_nested"
    ),
    5: "insert_many insert_one connection_begin savepoint build_union session_states",
    6: "build_orm_options session_execute session_execute_text",
    7: "scalars_all",
    8: "engine_begin build_subquery get get_loaded session_scalar orm_update orm_delete",
    9: "engine_connect engine_connect_text scalars_built make_url",
    10: "keys is_modified",
    11: "insert_key query_first",
    12: "query_all query_columns string",
    13: "joined",
    14: "session_commit_core session_rollback",
    15: "engine_connect_commit lazy session_new",
    16: "orm_update_evaluated",
    17: "orm_insert_many",
    18: "session_commit_insert session_begin",
    19: "merge",
    21: "session_maker flush_changes",
    22: "maker_begin refresh",
    24: "reflect_table inspect",
    26: "declare",
    27: "session_commit",
    32: "create_all",
    33: "create_engine",
    76: "reflect",
    101: "scalars",
    214: "flush_hundred",
    200: "row_index",
    201: "fetchall_index",
    222: "selectin",
}
"""The operations, by how many calls of functions of the module each may make."""
LIMITS = {name: limit for limit, names in AT_MOST.items() for name in names.split()}


@pytest.fixture(scope="module", autouse=True)
def _in_force():
    """The module is in force, and the models are mapped, though a test may have cleared that."""
    importlib.reload(new_style)
    with legacy.enabled(warnings=False):
        yield


@pytest.fixture
def work(monkeypatch):
    """The operations, on a database of their own, with no notes and no orders of mappers."""
    _notes.clear()
    monkeypatch.setattr(_mappers, "are_ordered", False)
    made = new_style.Work()
    yield made
    made.close()
    _notes.clear()


def calls(function):
    """Return how often functions of the module are called by a function."""
    return [code.co_name for code in called(function) if code.co_filename.startswith(FOLDER)]


@pytest.mark.parametrize("name", new_style.OPERATIONS)
def test_calls(work, name):
    """An operation calls no more functions of the module than it does today, and notes nothing."""
    operation = getattr(work, name)
    for _ in range(3):
        operation()  # what is found is kept by code, which Python 3.12 takes for other at first
    found = [name for name in calls(operation) if name != "raw_all_rows"]  # which is for 2.0
    forms = {note.form for note in legacy.report().notes}
    assert forms == ({"integer-division"} if name == "build_division_of_integers" else set())
    assert len(found) <= LIMITS[name], found
