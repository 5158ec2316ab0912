"""A walk through the sample schema, as somebody goes who was given its URL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal

import pytest
import sqlalchemy as sa
from conftest import empty
from sample import NAMES, create
from sqlalchemy import Engine, event, func, orm, select

import sqlsoup
from sqlsoup import SQLSoup


@pytest.fixture
def rail(url: str, make_engine: Callable[..., Engine]) -> Iterator[SQLSoup]:
    """A SQLSoup on the sample, which makes SQLite enforce its foreign keys."""
    engine = make_engine(url)
    if engine.dialect.name == "sqlite":

        @event.listens_for(engine, "connect")
        def enforce(connection: object, _record: object) -> None:
            connection.execute("PRAGMA foreign_keys = ON")  # type: ignore[attr-defined]
            connection.execute("PRAGMA synchronous = OFF")  # type: ignore[attr-defined]

    create(engine)
    yield SQLSoup(
        engine,
        relationships=True,
        primary_keys={"sales": ["origin_id"], "timetable": ["line_id", "place"]},
    )
    sqlsoup.Session.remove()
    if engine.dialect.name != "sqlite":
        empty(engine)


def test_reading(rail: SQLSoup) -> None:
    """Tables, rows, relationships, joins, views, aggregates, and plain data."""
    db = rail
    assert list(db) == NAMES
    assert {*filter(str.isidentifier, NAMES)} <= {*dir(db)}
    assert ["tickets" in db, "lost & found" in db, "boats" in db] == [True, True, False]

    # many to one, one to many, and the way back
    ticket = db.tickets.order_by(db.tickets.id).first()
    assert type(ticket) is db.tickets
    assert (ticket.price, ticket.sold) == (Decimal("12.50"), date(2026, 2, 20))
    assert (ticket.origin.name, ticket.target.name) == ("Bellport", "Corran")
    assert ticket.origin is db.stations.filter_by(name="Bellport").one()
    assert [one.words for one in sorted(ticket.complaints)] == ["late", "cold"]
    assert ticket.passenger.tickets[0] is ticket
    assert ticket.origin.tickets_origin == [ticket]
    assert {one.id for one in ticket.origin.tickets_target} == {2, 3}

    # one to one, and keys of several columns
    assert type(ticket.reservations) is db.reservations
    assert ticket.reservations.seats is db.seats.get(("C 1", 1, 12))
    assert ticket.reservations.seats.cars.kind == "first"
    assert ticket.reservations.seats.cars.trains.line.name == "Coast"
    assert {car.place for car in db.trains.get("C 1").cars} == {1, 2}
    ruth, sven, tilda = db.staff.order_by(db.staff.name)
    assert (ruth.badges.printed, tilda.badges) == (date(2020, 1, 1), None)
    assert (tilda.lockers.staff, ruth.lockers) == (tilda, None)

    # self references, and many to many
    assert sven.boss is ruth
    assert {one.name for one in ruth.staff} == {"Sven", "Tilda"}
    assert [region.code for region in db.regions.get("N").regions_parent_code] == ["NE"]
    assert db.regions.get("NE").regions.name == "North"
    assert {skill.word for skill in sven.skills} == {"driving", "songs"}
    assert {one.name for one in db.skills.get("driving").staff} == {"Sven", "Tilda"}
    amber = db.stations.filter_by(name="Amber Hill").one()
    assert [one.name for one in amber.stations_end] == ["Bellport"]
    assert {duty.train_number for duty in sven.duties} == {"C 1"}

    # queries over them
    north = db.tickets.join(db.tickets.origin).filter(db.stations.region_code == "N")
    assert north.all() == [ticket]
    singers = db.staff.filter(db.staff.skills.any(word="songs"))
    assert singers.all() == [sven]
    assert db.tickets.filter_by(passenger=ticket.passenger).count() == 2
    loaded = db.tickets.options(orm.joinedload(db.tickets.passenger)).all()
    assert sorted(one.passenger.name for one in loaded) == ["Uma", "Uma", "Viktor"]

    # joins
    shifts = db.join(db.duties, db.staff)
    assert shifts.filter_by(day=date(2026, 3, 1)).count() == 2
    stops = db.with_labels(db.join(db.stops, db.stations))
    assert [
        row.stations_name for row in stops.order_by(stops.stops_line_id, stops.stops_place)
    ] == [
        "Bellport",
        "Corran",
        "Amber Hill",
        "Bellport",
    ]

    # views, whose keys were named, and a table without any
    assert type(db.sales.get(2)) is db.sales
    assert (db.sales.get(2).tickets, db.sales.get(2).income) == (1, Decimal("12.50"))
    hills = db.timetable.filter_by(line="Hills").order_by(db.timetable.place)
    assert [row.station for row in hills] == ["Amber Hill", "Bellport"]
    with pytest.raises(sqlsoup.SQLSoupError, match="table 'counts' does not have a primary key"):
        db.counts  # noqa: B018
    counts = db.entity("counts", primary_key=["station_id", "hour"])
    assert counts.get((1, 9)).people == 25
    assert counts.get((2, 8)).station.name == "Bellport"

    # an aggregate
    busy = db.map(
        select(db.stations.name, func.sum(counts.people).label("people"))
        .join(counts._table, counts.station_id == db.stations.id)
        .group_by(db.stations.name),
        primary_key=["name"],
    )
    assert [(row.name, int(row.people)) for row in busy.order_by(busy.people)] == [
        ("Amber Hill", 65),
        ("Bellport", 310),
    ]

    # odd names
    found = db["lost & found"].filter_by(**{"class": "umbrella"}).one()
    assert getattr(found, "what's it?") == "black"
    assert found.stations.name == "Bellport"

    # plain data
    assert sqlsoup.as_dict(found) == {
        "item no.": 1,
        "class": "umbrella",
        "what's it?": "black",
        "found at": 2,
    }
    assert sqlsoup.as_dicts(db.skills.order_by(db.skills.word)) == [
        {"word": "driving"},
        {"word": "signals"},
        {"word": "songs"},
    ]


def test_writing(rail: SQLSoup) -> None:
    """Rows with related rows, transactions, and deletes that the database carries on."""
    db = rail
    with db:
        wim = db.passengers.insert(name="Wim")
        ticket = db.tickets.insert(
            passenger=wim,
            origin=db.stations.filter_by(name="Corran").one(),
            target=db.stations.filter_by(name="Amber Hill").one(),
            price=Decimal("20.00"),
        )
        db.reservations.insert(ticket=ticket, seats=db.seats.get(("C 1", 2, 21)))
        ticket.complaints.append(db.complaints.insert(words="no window"))
    number = ticket.id
    assert ticket.passenger_id == wim.id
    assert (ticket.reservations.car_place, ticket.reservations.seat) == (2, 21)
    assert [one.words for one in ticket.complaints] == ["no window"]
    assert db.sales.filter_by(origin_id=3).one().tickets == 2

    # a block that fails leaves nothing
    with pytest.raises(sa.exc.IntegrityError), db:  # noqa: PT012
        db.skills.insert(word="juggling")
        db.flush()
        db.execute("INSERT INTO skills VALUES ('songs')")
    assert db.skills.get("juggling") is None

    # many to many, and a tree
    ruth, sven, tilda = db.staff.order_by(db.staff.name)
    with db:
        ruth.skills.append(db.skills.get("signals"))
        sven.skills.remove(db.skills.get("songs"))
        tilda.boss = sven
        tilda.lockers = None
    assert {one.word for one in ruth.skills} == {"signals"}
    assert {one.word for one in sven.skills} == {"driving"}
    assert (sven.staff, ruth.staff) == ([tilda], [sven])
    assert db.lockers.filter_by(staff=None).count() == 2

    # what the database deletes, sets to NULL, or refuses
    assert len(ticket.complaints) == 1
    with db:
        db.delete(ticket)
        db.delete(db.lines_.filter_by(name="Hills").one())
        db.delete(tilda.duties[0])
        db.delete(tilda)
    assert db.complaints.filter_by(ticket_id=number).all() == []
    assert db.reservations.get(number) is None
    assert db.trains.get("H 7").line is None
    assert db.stops.count() == 2
    assert db.stations.get(1).stops == []
    assert db.staff.count() == 2


def test_writing_that_is_refused(rail: SQLSoup) -> None:
    """The database's own rules hold, whatever relationships are in use."""
    db = rail
    uma = db.passengers.filter_by(name="Uma").one()
    assert len(uma.tickets) == 2
    with pytest.raises(sa.exc.IntegrityError), db:
        db.delete(uma)
    assert len(uma.tickets) == 2
    with pytest.raises(sa.exc.IntegrityError), db:
        db.tickets.insert(passenger=uma, origin_id=1, target_id=99, price=1)
    with pytest.raises(sa.exc.DBAPIError), db:
        db.sales.get(2).income = 0
    assert db.sales.get(2).income == Decimal("12.50")


def test_a_schema_that_changes(rail: SQLSoup) -> None:
    """After refresh() new columns, tables and keys are there."""
    db = rail
    assert db.skills.count() == 3
    assert not hasattr(db.staff, "depots")
    db.session.remove()
    with db.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE skills ADD COLUMN level INTEGER")
        connection.exec_driver_sql(
            "CREATE TABLE depots (name VARCHAR(20) PRIMARY KEY, head_id INTEGER,"
            " FOREIGN KEY (head_id) REFERENCES staff (id))"
        )
    assert "depots" in db
    sqlsoup.refresh(db)
    assert list(db) == sorted([*NAMES, "depots"])
    with db:
        db.skills.insert(word="maths", level=3)
        db.depots.insert(name="Yard", head=db.staff.filter_by(name="Sven").one())
    assert db.skills.get("maths").level == 3
    (yard,) = db.staff.filter_by(name="Sven").one().depots
    assert (yard.name, yard.head.name) == ("Yard", "Sven")
