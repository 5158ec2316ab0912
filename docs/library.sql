CREATE TABLE users (
    name VARCHAR(40) NOT NULL PRIMARY KEY,
    email VARCHAR(60),
    branch VARCHAR(20)
);
CREATE TABLE books (
    id INTEGER PRIMARY KEY,
    title VARCHAR(60) NOT NULL,
    author VARCHAR(40),
    year INTEGER,
    branch VARCHAR(20)
);
CREATE TABLE loans (
    book_id INTEGER PRIMARY KEY REFERENCES books (id),
    borrower VARCHAR(40) NOT NULL REFERENCES users (name),
    due DATE
);
CREATE VIEW okafor AS SELECT title, year FROM books WHERE author = 'M. Okafor';

INSERT INTO users VALUES
    ('Ines', 'ines@example.org', 'Harbour'),
    ('Tom', NULL, 'Harbour'),
    ('Vera', 'vera@example.org', 'Hill');
INSERT INTO books VALUES
    (1, 'Salt and Smoke', 'M. Okafor', 1994, 'Harbour'),
    (2, 'Bridges of the North', 'L. Brandt', 2003, 'Hill'),
    (3, 'The Long Harvest', 'M. Okafor', 2011, 'Hill'),
    (4, 'Night Trains', 'S. Ito', 2019, 'Harbour');
INSERT INTO loans VALUES
    (1, 'Ines', '2026-03-02'),
    (2, 'Vera', '2026-02-20'),
    (4, 'Ines', '2026-03-16');
