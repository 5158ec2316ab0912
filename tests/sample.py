"""A sample schema: a small railway, with what schemas out there have.

There are composite keys, self references, two keys to one table, association tables with and
without more columns, one-to-one by a shared and by a unique key, keys that cascade, views, a table
without a key, and a table with odd names.
"""

from __future__ import annotations

from sqlalchemy import Engine

TABLES = """
CREATE TABLE regions (
    code VARCHAR(3) PRIMARY KEY,
    name VARCHAR(30) NOT NULL,
    parent_code VARCHAR(3),
    FOREIGN KEY (parent_code) REFERENCES regions (code)
);
CREATE TABLE stations (
    id {auto},
    name VARCHAR(30) NOT NULL UNIQUE,
    region_code VARCHAR(3) NOT NULL,
    opened DATE,
    FOREIGN KEY (region_code) REFERENCES regions (code)
);
CREATE TABLE walkways (
    start_id INTEGER NOT NULL,
    end_id INTEGER NOT NULL,
    PRIMARY KEY (start_id, end_id),
    FOREIGN KEY (start_id) REFERENCES stations (id),
    FOREIGN KEY (end_id) REFERENCES stations (id)
);
CREATE TABLE lines_ (
    id {auto},
    name VARCHAR(30) NOT NULL
);
CREATE TABLE stops (
    line_id INTEGER NOT NULL,
    place INTEGER NOT NULL,
    station_id INTEGER NOT NULL,
    PRIMARY KEY (line_id, place),
    FOREIGN KEY (line_id) REFERENCES lines_ (id) ON DELETE CASCADE,
    FOREIGN KEY (station_id) REFERENCES stations (id)
);
CREATE TABLE trains (
    number VARCHAR(8) PRIMARY KEY,
    line_id INTEGER,
    FOREIGN KEY (line_id) REFERENCES lines_ (id) ON DELETE SET NULL
);
CREATE TABLE cars (
    train_number VARCHAR(8) NOT NULL,
    place INTEGER NOT NULL,
    kind VARCHAR(10),
    PRIMARY KEY (train_number, place),
    FOREIGN KEY (train_number) REFERENCES trains (number) ON DELETE CASCADE
);
CREATE TABLE seats (
    train_number VARCHAR(8) NOT NULL,
    car_place INTEGER NOT NULL,
    seat INTEGER NOT NULL,
    PRIMARY KEY (train_number, car_place, seat),
    FOREIGN KEY (train_number, car_place) REFERENCES cars (train_number, place) ON DELETE CASCADE
);
CREATE TABLE staff (
    id {auto},
    name VARCHAR(30) NOT NULL,
    boss_id INTEGER,
    FOREIGN KEY (boss_id) REFERENCES staff (id)
);
CREATE TABLE badges (
    staff_id INTEGER PRIMARY KEY,
    printed DATE,
    FOREIGN KEY (staff_id) REFERENCES staff (id) ON DELETE CASCADE
);
CREATE TABLE lockers (
    id {auto},
    staff_id INTEGER UNIQUE,
    FOREIGN KEY (staff_id) REFERENCES staff (id) ON DELETE SET NULL
);
CREATE TABLE skills (
    word VARCHAR(20) PRIMARY KEY
);
CREATE TABLE staff_skills (
    staff_id INTEGER NOT NULL,
    word VARCHAR(20) NOT NULL,
    PRIMARY KEY (staff_id, word),
    FOREIGN KEY (staff_id) REFERENCES staff (id) ON DELETE CASCADE,
    FOREIGN KEY (word) REFERENCES skills (word)
);
CREATE TABLE duties (
    staff_id INTEGER NOT NULL,
    train_number VARCHAR(8) NOT NULL,
    day DATE NOT NULL,
    PRIMARY KEY (staff_id, train_number, day),
    FOREIGN KEY (staff_id) REFERENCES staff (id),
    FOREIGN KEY (train_number) REFERENCES trains (number)
);
CREATE TABLE passengers (
    id {auto},
    name VARCHAR(30) NOT NULL,
    email VARCHAR(40)
);
CREATE TABLE tickets (
    id {auto},
    passenger_id INTEGER NOT NULL,
    origin_id INTEGER NOT NULL,
    target_id INTEGER NOT NULL,
    price NUMERIC(6, 2) NOT NULL,
    sold DATE,
    FOREIGN KEY (passenger_id) REFERENCES passengers (id),
    FOREIGN KEY (origin_id) REFERENCES stations (id),
    FOREIGN KEY (target_id) REFERENCES stations (id)
);
CREATE TABLE reservations (
    ticket_id INTEGER PRIMARY KEY,
    train_number VARCHAR(8) NOT NULL,
    car_place INTEGER NOT NULL,
    seat INTEGER NOT NULL,
    FOREIGN KEY (ticket_id) REFERENCES tickets (id) ON DELETE CASCADE,
    FOREIGN KEY (train_number, car_place, seat)
        REFERENCES seats (train_number, car_place, seat)
);
CREATE TABLE complaints (
    id {auto},
    ticket_id INTEGER NOT NULL,
    words VARCHAR(60),
    FOREIGN KEY (ticket_id) REFERENCES tickets (id) ON DELETE CASCADE
);
CREATE TABLE counts (
    station_id INTEGER,
    hour INTEGER,
    people INTEGER,
    FOREIGN KEY (station_id) REFERENCES stations (id)
);
CREATE TABLE "lost & found" (
    "item no." INTEGER PRIMARY KEY,
    "class" VARCHAR(20),
    "what's it?" VARCHAR(20),
    "found at" INTEGER,
    FOREIGN KEY ("found at") REFERENCES stations (id)
);
CREATE VIEW sales AS
    SELECT origin_id, count(*) AS tickets, sum(price) AS income FROM tickets GROUP BY origin_id;
CREATE VIEW timetable AS
    SELECT l.id AS line_id, l.name AS line, s.place, t.name AS station
    FROM lines_ AS l JOIN stops AS s ON s.line_id = l.id JOIN stations AS t ON t.id = s.station_id
"""

ROWS = """
INSERT INTO regions VALUES ('N', 'North', NULL), ('NE', 'North-east', 'N'), ('S', 'South', NULL);
INSERT INTO stations (name, region_code, opened) VALUES
    ('Amber Hill', 'NE', '1871-05-01'), ('Bellport', 'N', '1866-09-15'), ('Corran', 'S', NULL);
INSERT INTO walkways VALUES (1, 2);
INSERT INTO lines_ (name) VALUES ('Coast'), ('Hills');
INSERT INTO stops VALUES (1, 1, 2), (1, 2, 3), (2, 1, 1), (2, 2, 2);
INSERT INTO trains VALUES ('C 1', 1), ('H 7', 2);
INSERT INTO cars VALUES ('C 1', 1, 'first'), ('C 1', 2, 'second'), ('H 7', 1, 'second');
INSERT INTO seats VALUES ('C 1', 1, 11), ('C 1', 1, 12), ('C 1', 2, 21), ('H 7', 1, 11);
INSERT INTO staff (name, boss_id) VALUES ('Ruth', NULL), ('Sven', 1), ('Tilda', 1);
INSERT INTO badges VALUES (1, '2020-01-01'), (2, NULL);
INSERT INTO lockers (staff_id) VALUES (3), (NULL);
INSERT INTO skills VALUES ('driving'), ('signals'), ('songs');
INSERT INTO staff_skills VALUES (2, 'driving'), (2, 'songs'), (3, 'driving');
INSERT INTO duties VALUES
    (2, 'C 1', '2026-03-01'), (2, 'C 1', '2026-03-02'), (3, 'H 7', '2026-03-01');
INSERT INTO passengers (name, email) VALUES ('Uma', 'uma@example.org'), ('Viktor', NULL);
INSERT INTO tickets (passenger_id, origin_id, target_id, price, sold) VALUES
    (1, 2, 3, 12.50, '2026-02-20'), (1, 3, 2, 12.50, '2026-02-20'), (2, 1, 2, 4.00, '2026-02-27');
INSERT INTO reservations VALUES (1, 'C 1', 1, 12);
INSERT INTO complaints (ticket_id, words) VALUES (1, 'late'), (1, 'cold');
INSERT INTO counts VALUES (1, 8, 40), (1, 9, 25), (2, 8, 310);
INSERT INTO "lost & found" VALUES (1, 'umbrella', 'black', 2), (2, 'hat', NULL, NULL)
"""

NAMES = [
    "badges",
    "cars",
    "complaints",
    "counts",
    "duties",
    "lines_",
    "lockers",
    "lost & found",
    "passengers",
    "regions",
    "reservations",
    "sales",
    "seats",
    "skills",
    "staff",
    "staff_skills",
    "stations",
    "stops",
    "tickets",
    "timetable",
    "trains",
    "walkways",
]
"""The tables and views in the order of their names."""

AUTO = {
    "sqlite": "INTEGER PRIMARY KEY",
    "postgresql": "SERIAL PRIMARY KEY",
    "mysql": "INTEGER PRIMARY KEY AUTO_INCREMENT",
}


def create(engine: Engine) -> None:
    """Make the tables, views and rows in an empty database."""
    quote = engine.dialect.identifier_preparer.initial_quote
    script = TABLES.replace("{auto}", AUTO[engine.dialect.name]) + ";" + ROWS
    with engine.begin() as connection:
        for statement in script.replace('"', quote).split(";"):
            connection.exec_driver_sql(statement)
