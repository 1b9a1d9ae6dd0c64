"""Databases that generations of people have learnt SQL with, rebuilt from their public structure with a few invented rows each.

Sakila/Pagila (MySQL AB, M. Hillyer), Chinook (L. Rocha), Northwind and AdventureWorks (Microsoft), Employees (F. Wang, C. Zaniolo).
Only tables and fields that say something about links are kept. Rows are invented, and numbers overlap on purpose as real keys do.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path

FIRST = (
    "Ann",
    "Bela",
    "Cleo",
    "Dan",
    "Eva",
    "Finn",
    "Gina",
    "Hugo",
    "Ina",
    "Jan",
    "Kai",
    "Lea",
    "Max",
    "Nora",
    "Olaf",
    "Pia",
    "Quirin",
    "Rosa",
    "Sven",
    "Tom",
)
LAST = ("Abel", "Berg", "Conti", "Diaz", "Ernst", "Frey", "Gruber", "Horn", "Ivanov", "Jung", "Koch", "Lang", "Moser", "Nagy", "Otto", "Peters")
CITIES = ("Aurora", "Bergen", "Cordoba", "Delft", "Esbjerg", "Faro", "Girona", "Halle")

SAKILA = """
CREATE TABLE country (country_id INTEGER PRIMARY KEY, country TEXT NOT NULL, last_update TIMESTAMP);
CREATE TABLE city (city_id INTEGER PRIMARY KEY, city TEXT NOT NULL, country_id INTEGER NOT NULL REFERENCES country (country_id),
  last_update TIMESTAMP);
CREATE TABLE address (address_id INTEGER PRIMARY KEY, address TEXT NOT NULL, address2 TEXT, district TEXT NOT NULL,
  city_id INTEGER NOT NULL REFERENCES city (city_id), postal_code TEXT, phone TEXT NOT NULL, last_update TIMESTAMP);
CREATE TABLE language (language_id INTEGER PRIMARY KEY, name TEXT NOT NULL, last_update TIMESTAMP);
CREATE TABLE actor (actor_id INTEGER PRIMARY KEY, first_name TEXT NOT NULL, last_name TEXT NOT NULL, last_update TIMESTAMP);
CREATE TABLE film (film_id INTEGER PRIMARY KEY, title TEXT NOT NULL, description TEXT, release_year INTEGER,
  language_id INTEGER NOT NULL REFERENCES language (language_id), rental_rate NUMERIC, last_update TIMESTAMP);
CREATE TABLE film_actor (actor_id INTEGER NOT NULL REFERENCES actor (actor_id), film_id INTEGER NOT NULL REFERENCES film (film_id),
  last_update TIMESTAMP, PRIMARY KEY (actor_id, film_id));
CREATE TABLE staff (staff_id INTEGER PRIMARY KEY, first_name TEXT NOT NULL, last_name TEXT NOT NULL,
  address_id INTEGER NOT NULL REFERENCES address (address_id),
  picture BLOB, email TEXT, store_id INTEGER NOT NULL REFERENCES store (store_id), active BOOLEAN NOT NULL, username TEXT NOT NULL,
  password TEXT, last_update TIMESTAMP);
CREATE TABLE store (store_id INTEGER PRIMARY KEY, manager_staff_id INTEGER NOT NULL UNIQUE REFERENCES staff (staff_id),
  address_id INTEGER NOT NULL REFERENCES address (address_id), last_update TIMESTAMP);
CREATE TABLE customer (customer_id INTEGER PRIMARY KEY, store_id INTEGER NOT NULL REFERENCES store (store_id), first_name TEXT NOT NULL,
  last_name TEXT NOT NULL,
  email TEXT, address_id INTEGER NOT NULL REFERENCES address (address_id), active BOOLEAN NOT NULL, create_date DATETIME NOT NULL,
  last_update TIMESTAMP);
CREATE TABLE inventory (inventory_id INTEGER PRIMARY KEY, film_id INTEGER NOT NULL REFERENCES film (film_id),
  store_id INTEGER NOT NULL REFERENCES store (store_id), last_update TIMESTAMP);
CREATE TABLE rental (rental_id INTEGER PRIMARY KEY, rental_date DATETIME NOT NULL, inventory_id INTEGER NOT NULL REFERENCES inventory (inventory_id),
  customer_id INTEGER NOT NULL REFERENCES customer (customer_id), return_date DATETIME, staff_id INTEGER NOT NULL REFERENCES staff (staff_id),
  last_update TIMESTAMP);
-- In Pagila this one is partitioned and declares no links.
CREATE TABLE payment (payment_id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL, staff_id INTEGER NOT NULL, rental_id INTEGER NOT NULL,
  amount NUMERIC NOT NULL, payment_date DATETIME NOT NULL);
"""

CHINOOK = """
CREATE TABLE Artist (ArtistId INTEGER PRIMARY KEY, Name TEXT);
CREATE TABLE Album (AlbumId INTEGER PRIMARY KEY, Title TEXT NOT NULL, ArtistId INTEGER NOT NULL REFERENCES Artist (ArtistId));
CREATE TABLE Track (TrackId INTEGER PRIMARY KEY, Name TEXT NOT NULL, AlbumId INTEGER REFERENCES Album (AlbumId), Milliseconds INTEGER NOT NULL,
  UnitPrice NUMERIC);
CREATE TABLE Employee (EmployeeId INTEGER PRIMARY KEY, LastName TEXT NOT NULL, FirstName TEXT NOT NULL, Title TEXT,
  ReportsTo INTEGER REFERENCES Employee (EmployeeId), BirthDate DATETIME, HireDate DATETIME, Address TEXT, City TEXT, Phone TEXT, Email TEXT);
CREATE TABLE Customer (CustomerId INTEGER PRIMARY KEY, FirstName TEXT NOT NULL, LastName TEXT NOT NULL, Company TEXT, Address TEXT, City TEXT,
  Country TEXT, PostalCode TEXT, Phone TEXT, Email TEXT NOT NULL, SupportRepId INTEGER REFERENCES Employee (EmployeeId));
CREATE TABLE Invoice (InvoiceId INTEGER PRIMARY KEY, CustomerId INTEGER NOT NULL REFERENCES Customer (CustomerId), InvoiceDate DATETIME NOT NULL,
  BillingAddress TEXT, BillingCity TEXT, Total NUMERIC NOT NULL);
CREATE TABLE InvoiceLine (InvoiceLineId INTEGER PRIMARY KEY, InvoiceId INTEGER NOT NULL REFERENCES Invoice (InvoiceId),
  TrackId INTEGER NOT NULL REFERENCES Track (TrackId), UnitPrice NUMERIC NOT NULL, Quantity INTEGER NOT NULL);
"""

NORTHWIND = """
CREATE TABLE categories (category_id INTEGER PRIMARY KEY, category_name TEXT NOT NULL, description TEXT);
CREATE TABLE suppliers (supplier_id INTEGER PRIMARY KEY, company_name TEXT NOT NULL, contact_name TEXT, contact_title TEXT, phone TEXT);
CREATE TABLE products (product_id INTEGER PRIMARY KEY, product_name TEXT NOT NULL, supplier_id INTEGER REFERENCES suppliers (supplier_id),
  category_id INTEGER REFERENCES categories (category_id), unit_price NUMERIC);
CREATE TABLE shippers (shipper_id INTEGER PRIMARY KEY, company_name TEXT NOT NULL, phone TEXT);
CREATE TABLE employees (employee_id INTEGER PRIMARY KEY, last_name TEXT NOT NULL, first_name TEXT NOT NULL, title TEXT, birth_date DATE,
  hire_date DATE,
  address TEXT, home_phone TEXT, notes TEXT, reports_to INTEGER REFERENCES employees (employee_id));
CREATE TABLE territories (territory_id TEXT PRIMARY KEY, territory_description TEXT NOT NULL);
CREATE TABLE employee_territories (employee_id INTEGER NOT NULL REFERENCES employees (employee_id),
  territory_id TEXT NOT NULL REFERENCES territories (territory_id), PRIMARY KEY (employee_id, territory_id));
CREATE TABLE customers (customer_id TEXT PRIMARY KEY, company_name TEXT NOT NULL, contact_name TEXT, contact_title TEXT, address TEXT, city TEXT,
  phone TEXT);
CREATE TABLE orders (order_id INTEGER PRIMARY KEY, customer_id TEXT REFERENCES customers (customer_id),
  employee_id INTEGER REFERENCES employees (employee_id),
  order_date DATE, required_date DATE, shipped_date DATE, ship_via INTEGER REFERENCES shippers (shipper_id), ship_name TEXT, ship_address TEXT);
CREATE TABLE order_details (order_id INTEGER NOT NULL REFERENCES orders (order_id), product_id INTEGER NOT NULL REFERENCES products (product_id),
  unit_price NUMERIC NOT NULL, quantity INTEGER NOT NULL, PRIMARY KEY (order_id, product_id));
"""

ADVENTUREWORKS = """
CREATE TABLE businessentity (businessentityid INTEGER PRIMARY KEY, rowguid TEXT NOT NULL, modifieddate DATETIME NOT NULL);
CREATE TABLE person (businessentityid INTEGER PRIMARY KEY REFERENCES businessentity (businessentityid), persontype TEXT NOT NULL, title TEXT,
  firstname TEXT NOT NULL, lastname TEXT NOT NULL, emailpromotion INTEGER NOT NULL, modifieddate DATETIME NOT NULL);
CREATE TABLE emailaddress (businessentityid INTEGER NOT NULL REFERENCES person (businessentityid), emailaddressid INTEGER NOT NULL, emailaddress TEXT,
  modifieddate DATETIME NOT NULL, PRIMARY KEY (businessentityid, emailaddressid));
CREATE TABLE personphone (businessentityid INTEGER NOT NULL REFERENCES person (businessentityid), phonenumber TEXT NOT NULL,
  phonenumbertypeid INTEGER NOT NULL REFERENCES phonenumbertype (phonenumbertypeid), PRIMARY KEY (businessentityid, phonenumber, phonenumbertypeid));
CREATE TABLE phonenumbertype (phonenumbertypeid INTEGER PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE address (addressid INTEGER PRIMARY KEY, addressline1 TEXT NOT NULL, city TEXT NOT NULL, postalcode TEXT NOT NULL,
  modifieddate DATETIME NOT NULL);
CREATE TABLE addresstype (addresstypeid INTEGER PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE businessentityaddress (businessentityid INTEGER NOT NULL REFERENCES businessentity (businessentityid),
  addressid INTEGER NOT NULL REFERENCES address (addressid), addresstypeid INTEGER NOT NULL REFERENCES addresstype (addresstypeid),
  PRIMARY KEY (businessentityid, addressid, addresstypeid));
CREATE TABLE employee (businessentityid INTEGER PRIMARY KEY REFERENCES person (businessentityid), nationalidnumber TEXT NOT NULL,
  loginid TEXT NOT NULL,
  jobtitle TEXT NOT NULL, birthdate DATE NOT NULL, hiredate DATE NOT NULL);
CREATE TABLE salesperson (businessentityid INTEGER PRIMARY KEY REFERENCES employee (businessentityid), salesquota NUMERIC);
CREATE TABLE store (businessentityid INTEGER PRIMARY KEY REFERENCES businessentity (businessentityid), name TEXT NOT NULL,
  salespersonid INTEGER REFERENCES salesperson (businessentityid));
CREATE TABLE customer (customerid INTEGER PRIMARY KEY, personid INTEGER REFERENCES person (businessentityid),
  storeid INTEGER REFERENCES store (businessentityid));
CREATE TABLE salesorderheader (salesorderid INTEGER PRIMARY KEY, orderdate DATETIME NOT NULL, duedate DATETIME NOT NULL,
  customerid INTEGER NOT NULL REFERENCES customer (customerid), salespersonid INTEGER REFERENCES salesperson (businessentityid),
  billtoaddressid INTEGER NOT NULL REFERENCES address (addressid), comment TEXT);
CREATE TABLE salesorderdetail (salesorderid INTEGER NOT NULL REFERENCES salesorderheader (salesorderid) ON DELETE CASCADE,
  salesorderdetailid INTEGER NOT NULL, orderqty INTEGER NOT NULL, PRIMARY KEY (salesorderid, salesorderdetailid));
"""

EMPLOYEES = """
CREATE TABLE employees (emp_no INTEGER PRIMARY KEY, birth_date DATE NOT NULL, first_name TEXT NOT NULL, last_name TEXT NOT NULL,
  gender TEXT NOT NULL, hire_date DATE NOT NULL);
CREATE TABLE departments (dept_no TEXT PRIMARY KEY, dept_name TEXT NOT NULL UNIQUE);
CREATE TABLE dept_manager (emp_no INTEGER NOT NULL REFERENCES employees (emp_no) ON DELETE CASCADE,
  dept_no TEXT NOT NULL REFERENCES departments (dept_no) ON DELETE CASCADE, from_date DATE NOT NULL, to_date DATE NOT NULL, PRIMARY KEY (emp_no,
  dept_no));
CREATE TABLE dept_emp (emp_no INTEGER NOT NULL REFERENCES employees (emp_no) ON DELETE CASCADE,
  dept_no TEXT NOT NULL REFERENCES departments (dept_no) ON DELETE CASCADE, from_date DATE NOT NULL, to_date DATE NOT NULL, PRIMARY KEY (emp_no,
  dept_no));
CREATE TABLE salaries (emp_no INTEGER NOT NULL REFERENCES employees (emp_no) ON DELETE CASCADE, salary INTEGER NOT NULL, from_date DATE NOT NULL,
  to_date DATE NOT NULL, PRIMARY KEY (emp_no, from_date));
"""


def person(number: int) -> tuple[str, str]:
    return FIRST[number % len(FIRST)], LAST[number // len(FIRST) % len(LAST)]


def phone(number: int) -> str:
    return f"+49 30 55{number:05}"


def day(number: int) -> str:
    return f"20{10 + number % 12:02}-{1 + number % 12:02}-{1 + number % 28:02}"


def _sakila() -> Iterator[tuple[str, Iterable[tuple[object, ...]]]]:
    now = "2022-02-15 10:02:19"
    yield "country", [(n, name, now) for n, name in enumerate(("Argentina", "Denmark", "Norway", "Spain"), 1)]
    yield "city", [(n, name, 1 + n % 4, now) for n, name in enumerate(CITIES, 1)]
    yield "address", [(n, f"{n} Mill Road", None, "North", 1 + n % 8, f"{10000 + n}", phone(n), now) for n in range(1, 65)]
    yield "language", [(1, "English", now), (2, "German", now)]
    yield "actor", [(n, *person(n + 40), now) for n in range(1, 21)]
    yield "film", [(n, f"Film {n}", "An epic tale of a boat and a teacher who must find a dog in a desert", 2006, 1, 4.99, now) for n in range(1, 31)]
    yield "film_actor", [(1 + n % 20, 1 + n % 30, now) for n in range(60)]
    yield "staff", [(n, *person(n), n + 2, None, f"staff{n}@rental.example", n, True, f"user{n}", "x" * 40, now) for n in (1, 2)]
    yield "store", [(1, 1, 1, now), (2, 2, 2, now)]
    rows = [
        (n, 1 + n % 2, *person(n + 7), f"c{n}.{person(n + 7)[1]}@mail.example".lower(), 4 + n, n % 9 != 0, f"2022-02-{1 + n % 28:02} 22:04:36", now)
        for n in range(1, 61)
    ]
    yield "customer", rows
    yield "inventory", [(n, 1 + n % 30, 1 + n % 2, now) for n in range(1, 91)]
    yield "rental", [(n, f"2022-05-{1 + n % 28:02} 22:53:30", 1 + n % 90, 1 + n % 60, None, 1 + n % 2, now) for n in range(1, 301)]
    yield "payment", [(n, 1 + n % 60, 1 + n % 2, n, 2.99, f"2022-06-{1 + n % 28:02} 01:02:03") for n in range(1, 301)]


def _chinook() -> Iterator[tuple[str, Iterable[tuple[object, ...]]]]:
    yield "Artist", [(n, f"The {name}s") for n, name in enumerate(CITIES, 1)]
    yield "Album", [(n, f"Album {n}", 1 + n % 8) for n in range(1, 21)]
    yield "Track", [(n, f"Song {n}", 1 + n % 20, 200000 + n, 0.99) for n in range(1, 101)]
    yield (
        "Employee",
        [
            (
                n,
                person(n)[1],
                person(n)[0],
                "Sales Support Agent",
                None if n == 1 else 1,
                "1962-02-18",
                "2002-08-14",
                f"{n} Office Way",
                "Delft",
                phone(n),
                f"e{n}@chinook.example",
            )
            for n in range(1, 9)
        ],
    )
    yield (
        "Customer",
        [
            (n, *person(n + 3), None, f"{n} Park Lane", CITIES[n % 8], "Norway", f"{5000 + n}", phone(900 + n), f"k{n}@mail.example", 3 + n % 3)
            for n in range(1, 60)
        ],
    )
    yield "Invoice", [(n, 1 + n % 59, f"{day(n)} 00:00:00", f"{1 + n % 59} Park Lane", CITIES[n % 8], 1.98) for n in range(1, 201)]
    yield "InvoiceLine", [(n, 1 + n % 200, 1 + n % 100, 0.99, 1) for n in range(1, 501)]


def _northwind() -> Iterator[tuple[str, Iterable[tuple[object, ...]]]]:
    yield "categories", [(n, f"Category {n}", "Soft drinks, coffees, teas, beers and ales of many kinds") for n in range(1, 9)]
    yield "suppliers", [(n, f"Supplier {n} Ltd", " ".join(person(n + 60)), "Purchasing Manager", phone(n)) for n in range(1, 30)]
    yield "products", [(n, f"Tea {n}", 1 + n % 29, 1 + n % 8, 18.5) for n in range(1, 78)]
    yield "shippers", [(n, f"Carrier {n}", phone(700 + n)) for n in (1, 2, 3)]
    yield (
        "employees",
        [
            (
                n,
                person(n)[1],
                person(n)[0],
                "Sales Representative",
                "1948-12-08",
                "1992-05-01",
                f"{n} Hill Street",
                phone(20 + n),
                "Speaks French and reads German well.",
                None if n == 2 else 2,
            )
            for n in range(1, 10)
        ],
    )
    yield "territories", [(f"{1581 + n:05}", f"Area {n}") for n in range(20)]
    yield "employee_territories", [(1 + n % 9, f"{1581 + n:05}") for n in range(20)]
    yield (
        "customers",
        [(f"K{n:04}", f"Company {n}", " ".join(person(n + 9)), "Owner", f"{n} Market Square", CITIES[n % 8], phone(300 + n)) for n in range(1, 92)],
    )
    yield (
        "orders",
        [
            (
                10247 + n,
                f"K{1 + n % 91:04}",
                1 + n % 9,
                day(n),
                day(n + 1),
                None if n % 7 == 0 else day(n + 2),
                1 + n % 3,
                f"Company {1 + n % 91}",
                f"{1 + n % 91} Market Square",
            )
            for n in range(1, 301)
        ],
    )
    yield "order_details", [(10247 + 1 + n % 300, 1 + n // 300 * 7 + n % 7, 14.0, 3) for n in range(600)]


def _adventureworks() -> Iterator[tuple[str, Iterable[tuple[object, ...]]]]:
    now = "2014-06-30 00:00:00"
    yield "businessentity", [(n, f"{n:032x}", now) for n in range(1, 121)]
    yield "person", [(n, "IN", None, *person(n), 0, now) for n in range(1, 101)]
    yield "emailaddress", [(n, n, f"{person(n)[0].lower()}{n}@adventure.example", now) for n in range(1, 101)]
    yield "phonenumbertype", [(1, "Cell"), (2, "Home")]
    yield "personphone", [(n, phone(n), 1 + n % 2) for n in range(1, 101)]
    yield "address", [(n, f"{n} Nut Alley", CITIES[n % 8], f"{98000 + n}", now) for n in range(1, 121)]
    yield "addresstype", [(1, "Home"), (2, "Main Office")]
    yield "businessentityaddress", [(n, n, 1) for n in range(1, 121)]
    yield "employee", [(n, f"{295847000 + n}", f"adventure\\login{n}", "Design Engineer", "1969-01-29", "2009-01-14") for n in range(1, 21)]
    yield "salesperson", [(n, 250000) for n in range(5, 11)]
    yield "store", [(n, f"Bikes {n}", 5 + n % 6) for n in range(101, 121)]
    yield "customer", [(11000 + n, n, None) for n in range(21, 101)] + [(30000 + n, None, n) for n in range(101, 121)]
    yield "salesorderheader", [(43659 + n, now, now, 11021 + n % 80, None if n % 3 else 5 + n % 6, 21 + n % 80, None) for n in range(200)]
    yield "salesorderdetail", [(43659 + n % 200, n, 1) for n in range(400)]


def _employees() -> Iterator[tuple[str, Iterable[tuple[object, ...]]]]:
    yield "employees", [(10000 + n, day(n), *person(n), "F" if n % 2 else "M", day(n + 5)) for n in range(1, 101)]
    yield "departments", [(f"d{n:03}", f"Department {n}") for n in range(1, 10)]
    yield "dept_manager", [(10000 + n, f"d{n:03}", day(n), "9999-01-01") for n in range(1, 10)]
    yield "dept_emp", [(10000 + n, f"d{1 + n % 9:03}", day(n), "9999-01-01") for n in range(1, 101)]
    yield "salaries", [(10000 + n, 60000 + n * 11, day(n), "9999-01-01") for n in range(1, 101)]


_SAMPLES = {
    "sakila": (SAKILA, _sakila),
    "chinook": (CHINOOK, _chinook),
    "northwind": (NORTHWIND, _northwind),
    "adventureworks": (ADVENTUREWORKS, _adventureworks),
    "employees": (EMPLOYEES, _employees),
}


def build(name: str, folder: Path) -> Path:
    """The sample of this name as an SQLite file."""
    schema, rows = _SAMPLES[name]
    return build_file(folder / f"{name}.db", schema, rows())


def build_file(path: Path, schema: str, rows: Iterable[tuple[str, Iterable[tuple[object, ...]]]] = ()) -> Path:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(schema)
        for table, many in rows:
            for row in many:
                connection.execute(f'INSERT INTO "{table}" VALUES ({", ".join("?" * len(row))})', row)
    return path
