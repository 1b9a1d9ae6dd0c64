"""A DVD rental on PostgreSQL, after the structure of Pagila: payments are partitioned by month, and only the partitions have foreign keys.

Hard in it: an address serves customers, staff and the store; staff and store point at each other; names are split over two columns; a trigger sets
`last_update`; films have an enum, a domain, an array and a tsvector that a trigger fills; views show everything again.

Ann Rowe (customer 7) lives alone at address 7. Joann Rowe (8) has an address whose end is Ann's. Another Ann Rowe (9) has the same name. Ann's
neighbour (10) lives where the store is and where Mike of the staff lives (address 3).
"""

from typing import Any

from tests.samples.people import numbers, phone, somebody, street
from tests.samples.picture import Database

ANN = "ann.rowe@mail.example"
PHONE = "+49 40 5557007"
TRACES = (ANN, "Ann Rowe", "5557007")

_SCHEMA = """
CREATE TYPE mpaa_rating AS ENUM ('G', 'PG', 'PG-13', 'R', 'NC-17');
CREATE DOMAIN year AS integer CHECK (VALUE >= 1901 AND VALUE <= 2155);
CREATE FUNCTION last_updated() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.last_update = CURRENT_TIMESTAMP; RETURN NEW; END $$;
CREATE TABLE city (city_id serial PRIMARY KEY, city text NOT NULL, last_update timestamptz DEFAULT now() NOT NULL);
CREATE TABLE address (
  address_id serial PRIMARY KEY, address text NOT NULL, address2 text, district text NOT NULL,
  city_id integer NOT NULL REFERENCES city ON UPDATE CASCADE ON DELETE RESTRICT,
  postal_code text, phone text NOT NULL, last_update timestamptz DEFAULT now() NOT NULL);
CREATE TABLE staff (
  staff_id serial PRIMARY KEY, first_name text NOT NULL, last_name text NOT NULL, address_id integer NOT NULL REFERENCES address ON DELETE RESTRICT,
  email text, store_id integer NOT NULL, active boolean DEFAULT true NOT NULL, username text NOT NULL, password text, picture bytea,
  last_update timestamptz DEFAULT now() NOT NULL);
CREATE TABLE store (
  store_id serial PRIMARY KEY, manager_staff_id integer NOT NULL UNIQUE REFERENCES staff ON DELETE RESTRICT,
  address_id integer NOT NULL REFERENCES address ON DELETE RESTRICT, last_update timestamptz DEFAULT now() NOT NULL);
ALTER TABLE staff ADD FOREIGN KEY (store_id) REFERENCES store DEFERRABLE INITIALLY DEFERRED;
CREATE TABLE customer (
  customer_id serial PRIMARY KEY, store_id integer NOT NULL REFERENCES store ON DELETE RESTRICT, first_name text NOT NULL, last_name text NOT NULL,
  email text, address_id integer NOT NULL REFERENCES address ON DELETE RESTRICT, activebool boolean DEFAULT true NOT NULL,
  create_date date DEFAULT CURRENT_DATE NOT NULL, last_update timestamptz DEFAULT now(), active integer);
CREATE INDEX idx_last_name ON customer (last_name);
CREATE TABLE film (
  film_id serial PRIMARY KEY, title text NOT NULL, description text, release_year year, rental_rate numeric(4,2) DEFAULT 4.99 NOT NULL,
  rating mpaa_rating DEFAULT 'G', special_features text[], fulltext tsvector NOT NULL, last_update timestamptz DEFAULT now() NOT NULL);
CREATE INDEX film_fulltext_idx ON film USING gist (fulltext);
CREATE TRIGGER film_fulltext_trigger BEFORE INSERT OR UPDATE ON film
  FOR EACH ROW EXECUTE FUNCTION tsvector_update_trigger('fulltext', 'pg_catalog.english', 'title', 'description');
CREATE TABLE inventory (
  inventory_id serial PRIMARY KEY, film_id integer NOT NULL REFERENCES film, store_id integer NOT NULL REFERENCES store,
  last_update timestamptz DEFAULT now() NOT NULL);
CREATE TABLE rental (
  rental_id serial PRIMARY KEY, rental_date timestamptz NOT NULL, inventory_id integer NOT NULL REFERENCES inventory ON DELETE RESTRICT,
  customer_id integer NOT NULL REFERENCES customer ON DELETE RESTRICT, return_date timestamptz,
  staff_id integer NOT NULL REFERENCES staff ON DELETE RESTRICT, last_update timestamptz DEFAULT now() NOT NULL);
CREATE UNIQUE INDEX idx_unq_rental ON rental (rental_date, inventory_id, customer_id);
CREATE TABLE payment (
  payment_id integer NOT NULL, customer_id integer NOT NULL, staff_id integer NOT NULL, rental_id integer NOT NULL, amount numeric(5,2) NOT NULL,
  payment_date timestamptz NOT NULL, PRIMARY KEY (payment_date, payment_id)) PARTITION BY RANGE (payment_date);
CREATE VIEW customer_list AS
  SELECT c.customer_id AS id, c.first_name || ' ' || c.last_name AS name, a.address, a.phone FROM customer c JOIN address a USING (address_id);
CREATE MATERIALIZED VIEW rental_by_customer AS SELECT customer_id, count(*) AS rentals FROM rental GROUP BY 1;
"""
_PARTITION = """
CREATE TABLE payment_p2022_0{month} PARTITION OF payment FOR VALUES FROM ('2022-0{month}-01 00:00:00+00') TO ('2022-0{next}-01 00:00:00+00');
ALTER TABLE ONLY payment_p2022_0{month} ADD FOREIGN KEY (customer_id) REFERENCES customer (customer_id);
ALTER TABLE ONLY payment_p2022_0{month} ADD FOREIGN KEY (rental_id) REFERENCES rental (rental_id);
ALTER TABLE ONLY payment_p2022_0{month} ADD FOREIGN KEY (staff_id) REFERENCES staff (staff_id);
"""
_UPDATED = ("city", "address", "staff", "store", "customer", "film", "inventory", "rental")
MONTHS = (1, 2, 3)

CONNECTOR = """\
connector: pagila
driver: sql
collections:
  customer:
    fields:
      customer_id: {category: user.unique_id, selects: customer_id, identifies: true}
      first_name:  {category: user.name.first}
      last_name:   {category: user.name.last}
      email:       {category: user.contact.email, selects: email}
      address_id:  {category: user.contact.address, references: address.address_id, carries: true}
      create_date: {starts: retention}
  address:
    fields:
      address:     {category: user.contact.address.street}
      address2:    {category: user.contact.address.street}
      postal_code: {category: user.contact.address.postal_code}
      phone:       {category: user.contact.phone_number, selects: phone}
  rental:
    fields:
      customer_id: {category: user.unique_id, selects: customer_id, references: customer.customer_id}
      staff_id:    {role: actor}
      rental_date: {starts: retention}
  payment:
    key: [payment_date, payment_id]
    fields:
      customer_id: {category: user.unique_id, selects: customer_id, references: customer.customer_id}
      rental_id:   {references: rental.rental_id}
      staff_id:    {role: actor}
      payment_date: {starts: retention}
  staff:
    fields:
      email:      {category: user.contact.email, role: actor}
discover: rest
"""


def build(database: Database) -> None:
    """Fills an empty PostgreSQL database: 40 customers, 120 rentals, 120 payments in three months."""
    database.run(_SCHEMA)
    for month in MONTHS:
        database.run(_PARTITION.format(month=month, next=month + 1))
    for table in _UPDATED:
        database.run(f"CREATE TRIGGER last_updated BEFORE UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION last_updated()")
    database.insert("city", [{"city_id": number, "city": f"Town {number}"} for number in numbers(3)])
    database.insert("address", [_address(number) for number in numbers(40)])
    database.run(
        "BEGIN",
        "INSERT INTO staff VALUES (1, 'Mike', 'Hill', 3, 'mike.hill@rental.example', 1, true, 'Mike', 'x', '\\x89504e470d0a1a0a')",
        "INSERT INTO staff VALUES (2, 'Jon', 'Stephens', 4, 'jon@rental.example', 2, true, 'Jon')",
        "INSERT INTO store VALUES (1, 1, 3), (2, 2, 4)",
        "COMMIT",
    )
    database.insert("customer", [_customer(number) for number in numbers(40)])
    database.insert("film", [_film(number) for number in numbers(20)])
    database.insert("inventory", [{"inventory_id": number, "film_id": number, "store_id": 1 + number % 2} for number in numbers(20)])
    database.insert("rental", [_rental(number) for number in numbers(120)])
    database.insert("payment", [_payment(number) for number in numbers(120)])
    database.run("REFRESH MATERIALIZED VIEW rental_by_customer")


def _address(number: int) -> dict[str, object]:
    return {
        "address_id": number,
        "address": "Lindenhof 7" if number == 7 else street(number),
        "address2": None,
        "district": "North",
        "city_id": 1 + number % 3,
        "postal_code": f"{20000 + number}",
        "phone": PHONE if number == 7 else phone(number),
    }


def _customer(number: int) -> dict[str, object]:
    known = {7: ("Ann", "Rowe", ANN), 8: ("Joann", "Rowe", "jo" + ANN), 9: ("Ann", "Rowe", "ann.rowe.9@mail.example")}
    first, last, email = known.get(number) or somebody(number)
    return {
        "customer_id": number,
        "store_id": 1 + number % 2,
        "first_name": first,
        "last_name": last,
        "email": email,
        "address_id": 3 if number == 10 else number,
        "create_date": "2022-01-01",
        "active": 1,
    }


def _film(number: int) -> dict[str, object]:
    about = {2: f"A tale of jo{ANN} at sea"}.get(number, "A story of a boat")
    return {
        "film_id": number,
        "title": f"FILM {number}",
        "description": about,
        "release_year": 2006,
        "rating": ("G", "PG", "PG-13")[number % 3],
        "special_features": ["Trailers", "Deleted Scenes"],
        "fulltext": "",
    }


def _rental(number: int) -> dict[str, object]:
    return {
        "rental_id": number,
        "rental_date": f"2022-0{1 + number % 3}-{1 + number % 28:02} 10:00:00+00",
        "inventory_id": 1 + number % 20,
        "customer_id": 1 + number % 40,
        "return_date": None,
        "staff_id": 1 + number % 2,
    }


def _payment(number: int) -> dict[str, object]:
    return {
        "payment_id": number,
        "customer_id": 1 + number % 40,
        "staff_id": 1 + number % 2,
        "rental_id": number,
        "amount": "4.99",
        "payment_date": f"2022-0{1 + number % 3}-{1 + number % 28:02} 11:00:00+00",
    }


def rentals_of(customer: int) -> list[int]:
    """The numbers of this customer's rentals; each has the payment of the same number."""
    return [number for number in numbers(120) if 1 + number % 40 == customer]


def payment_key(number: int) -> tuple[str, str]:
    """The key of a payment as a picture has it."""
    return (f"2022-0{1 + number % 3}-{1 + number % 28:02} 11:00:00+00", str(number))


def payments_by_table(numbers_: list[int]) -> dict[str, list[Any]]:
    """The keys of these payments, in the partitioned table and again in each partition."""
    parts: dict[str, list[Any]] = {
        f"payment_p2022_0{month}": [payment_key(number) for number in numbers_ if 1 + number % 3 == month] for month in MONTHS
    }
    return {"payment": [payment_key(number) for number in numbers_], **parts}
