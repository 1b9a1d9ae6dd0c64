"""A DVD rental on MariaDB, after the structure of Sakila: triggers copy every film into a table for full-text search.

Hard in it: the trigger's copy, a BLOB in staff, a point in address, a payment that a rental cuts loose (SET NULL), notes under system versioning, a
collation that calls `jose` and `josé` equal, a list without a key.

Jose Ruiz (customer 5) is the person. José Ruiz (6) is another. Both share a flat's telephone. Customer 7's address ends in his.
"""

from tests.samples.people import numbers, phone, somebody, street
from tests.samples.picture import Database

JOSE = "jose.ruiz@mail.example"
OTHER_JOSE = "josé.ruiz@mail.example"
FLAT = "+49 40 5559911"
TRACES = (JOSE, "Jose Ruiz")

_SCHEMA = """
CREATE TABLE address (
  address_id SMALLINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, address VARCHAR(50) NOT NULL, address2 VARCHAR(50), district VARCHAR(20) NOT NULL,
  postal_code VARCHAR(10), phone VARCHAR(20) NOT NULL, location GEOMETRY NOT NULL,
  last_update TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP, SPATIAL KEY idx_location (location)) ENGINE=InnoDB
;
CREATE TABLE staff (
  staff_id TINYINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, first_name VARCHAR(45) NOT NULL, last_name VARCHAR(45) NOT NULL,
  address_id SMALLINT UNSIGNED NOT NULL, picture BLOB, email VARCHAR(50), store_id TINYINT UNSIGNED NOT NULL, active BOOLEAN NOT NULL DEFAULT TRUE,
  username VARCHAR(16) NOT NULL, password VARCHAR(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
  last_update TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  CONSTRAINT fk_staff_address FOREIGN KEY (address_id) REFERENCES address (address_id) ON DELETE RESTRICT ON UPDATE CASCADE)
;
CREATE TABLE store (
  store_id TINYINT UNSIGNED NOT NULL PRIMARY KEY, manager_staff_id TINYINT UNSIGNED NOT NULL, address_id SMALLINT UNSIGNED NOT NULL,
  UNIQUE KEY idx_unique_manager (manager_staff_id),
  CONSTRAINT fk_store_staff FOREIGN KEY (manager_staff_id) REFERENCES staff (staff_id) ON DELETE RESTRICT ON UPDATE CASCADE,
  CONSTRAINT fk_store_address FOREIGN KEY (address_id) REFERENCES address (address_id) ON DELETE RESTRICT ON UPDATE CASCADE)
;
CREATE TABLE customer (
  customer_id SMALLINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, store_id TINYINT UNSIGNED NOT NULL, first_name VARCHAR(45) NOT NULL,
  last_name VARCHAR(45) NOT NULL, email VARCHAR(50), address_id SMALLINT UNSIGNED NOT NULL, active BOOLEAN NOT NULL DEFAULT TRUE,
  create_date DATETIME NOT NULL, last_update TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  CONSTRAINT fk_customer_store FOREIGN KEY (store_id) REFERENCES store (store_id) ON DELETE RESTRICT ON UPDATE CASCADE,
  CONSTRAINT fk_customer_address FOREIGN KEY (address_id) REFERENCES address (address_id) ON DELETE RESTRICT ON UPDATE CASCADE)
  DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci
;
CREATE TRIGGER customer_create_date BEFORE INSERT ON customer FOR EACH ROW SET NEW.create_date = COALESCE(NEW.create_date, NOW())
;
CREATE TABLE film (
  film_id SMALLINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, title VARCHAR(128) NOT NULL, description TEXT, release_year YEAR,
  rating ENUM('G','PG','PG-13','R','NC-17') DEFAULT 'G', special_features SET('Trailers','Commentaries','Deleted Scenes'),
  last_update TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP)
;
CREATE TABLE film_text (
  film_id SMALLINT NOT NULL PRIMARY KEY, title VARCHAR(255) NOT NULL, description TEXT, FULLTEXT KEY idx_title_description (title, description))
;
CREATE TRIGGER ins_film AFTER INSERT ON film FOR EACH ROW
  INSERT INTO film_text (film_id, title, description) VALUES (NEW.film_id, NEW.title, NEW.description)
;
CREATE TRIGGER upd_film AFTER UPDATE ON film FOR EACH ROW
  UPDATE film_text SET title = NEW.title, description = NEW.description, film_id = NEW.film_id WHERE film_id = OLD.film_id
;
CREATE TRIGGER del_film AFTER DELETE ON film FOR EACH ROW DELETE FROM film_text WHERE film_id = OLD.film_id
;
CREATE TABLE rental (
  rental_id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, rental_date DATETIME NOT NULL, film_id SMALLINT UNSIGNED NOT NULL,
  customer_id SMALLINT UNSIGNED NOT NULL, return_date DATETIME, staff_id TINYINT UNSIGNED NOT NULL,
  UNIQUE KEY (rental_date, film_id, customer_id),
  CONSTRAINT fk_rental_film FOREIGN KEY (film_id) REFERENCES film (film_id) ON DELETE RESTRICT ON UPDATE CASCADE,
  CONSTRAINT fk_rental_staff FOREIGN KEY (staff_id) REFERENCES staff (staff_id) ON DELETE RESTRICT ON UPDATE CASCADE,
  CONSTRAINT fk_rental_customer FOREIGN KEY (customer_id) REFERENCES customer (customer_id) ON DELETE RESTRICT ON UPDATE CASCADE)
;
CREATE TABLE payment (
  payment_id SMALLINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, customer_id SMALLINT UNSIGNED NOT NULL, staff_id TINYINT UNSIGNED NOT NULL,
  rental_id INT DEFAULT NULL, amount DECIMAL(5,2) NOT NULL, payment_date DATETIME NOT NULL,
  CONSTRAINT fk_payment_rental FOREIGN KEY (rental_id) REFERENCES rental (rental_id) ON DELETE SET NULL ON UPDATE CASCADE,
  CONSTRAINT fk_payment_customer FOREIGN KEY (customer_id) REFERENCES customer (customer_id) ON DELETE RESTRICT ON UPDATE CASCADE,
  CONSTRAINT fk_payment_staff FOREIGN KEY (staff_id) REFERENCES staff (staff_id) ON DELETE RESTRICT ON UPDATE CASCADE)
;
CREATE TABLE note (id INT PRIMARY KEY, body TEXT NOT NULL) WITH SYSTEM VERSIONING
;
CREATE TABLE mailing (list VARCHAR(20) NOT NULL, email VARCHAR(80) COLLATE utf8mb4_general_ci NOT NULL)
;
CREATE VIEW customer_list AS SELECT c.customer_id, c.first_name, c.last_name, c.email, a.phone FROM customer c JOIN address a USING (address_id)
"""

CONNECTOR = """\
connector: sakila
driver: sql
collections:
  customer:
    fields:
      customer_id: {category: user.unique_id, selects: customer_id, identifies: true}
      first_name:  {category: user.name.first}
      last_name:   {category: user.name.last}
      email:       {category: user.contact.email, selects: email}
      address_id:  {category: user.contact.address, references: address.address_id, carries: true}
  address:
    fields:
      address:     {category: user.contact.address.street}
      postal_code: {category: user.contact.address.postal_code}
      phone:       {category: user.contact.phone_number}
      location:    {category: user.location}
  rental:
    fields:
      customer_id: {category: user.unique_id, selects: customer_id, references: customer.customer_id}
      staff_id:    {role: actor}
  payment:
    fields:
      customer_id: {category: user.unique_id, selects: customer_id, references: customer.customer_id}
      staff_id:    {role: actor}
      payment_date: {starts: retention}
  mailing:
    fields:
      email:       {category: user.contact.email, selects: email}
discover: rest
"""


def build(database: Database) -> None:
    """Fills an empty MariaDB database: 20 customers, 60 rentals, 60 payments, 10 films."""
    database.run(*(statement for statement in _SCHEMA.split("\n;\n") if statement.strip()))
    for number in numbers(20):
        at = f"POINT({number} {number + 1})"
        database.run(
            f"INSERT INTO address VALUES ({number}, '{street(number)}', NULL, 'North', '{20000 + number}', "
            f"'{FLAT if number in (5, 6) else phone(number)}', ST_GeomFromText('{at}'), DEFAULT)"
        )
    database.insert(
        "staff",
        [
            {"staff_id": 1, "first_name": "Mike", "last_name": "Hill", "address_id": 3, "picture": b"\x89PNG\r\n", "store_id": 1, "username": "Mike"},
            {"staff_id": 2, "first_name": "Jon", "last_name": "Stephens", "address_id": 4, "picture": None, "store_id": 2, "username": "Jon"},
        ],
    )
    database.run("INSERT INTO store VALUES (1, 1, 3), (2, 2, 4)")
    database.run("ALTER TABLE staff ADD CONSTRAINT fk_staff_store FOREIGN KEY (store_id) REFERENCES store (store_id) ON UPDATE CASCADE")
    database.insert("customer", [_customer(number) for number in numbers(20)])
    database.insert("film", [_film(number) for number in numbers(10)])
    database.insert("rental", [_rental(number) for number in numbers(60)])
    database.insert("payment", [_payment(number) for number in numbers(60)])
    database.run("INSERT INTO note VALUES (1, 'The lamp is broken'), (2, 'Nothing to say')")
    database.insert("mailing", [{"list": "news", "email": email} for email in (JOSE, OTHER_JOSE, JOSE, "x" + JOSE)])


def _customer(number: int) -> dict[str, object]:
    known = {5: ("Jose", "Ruiz", JOSE), 6: ("José", "Ruiz", OTHER_JOSE), 7: ("Maria", "Ruiz", "maria" + JOSE)}
    first, last, email = known.get(number) or somebody(number)
    return {
        "customer_id": number,
        "store_id": 1 + number % 2,
        "first_name": first,
        "last_name": last,
        "email": email,
        "address_id": number,
        "create_date": "2024-01-01",
    }


def _film(number: int) -> dict[str, object]:
    return {"film_id": number, "title": f"FILM {number}", "description": "A story of a boat", "special_features": "Trailers,Commentaries"}


def _rental(number: int) -> dict[str, object]:
    return {
        "rental_id": number,
        "rental_date": f"2024-03-{1 + number % 28:02} 10:00:00",
        "film_id": 1 + number % 10,
        "customer_id": 1 + number % 20,
        "staff_id": 1 + number % 2,
    }


def _payment(number: int) -> dict[str, object]:
    return {
        "payment_id": number,
        "customer_id": 1 + number % 20,
        "staff_id": 1 + number % 2,
        "rental_id": number,
        "amount": "2.99",
        "payment_date": f"2024-03-{1 + number % 28:02} 11:00:00",
    }


def rentals_of(customer: int) -> list[int]:
    """The numbers of this customer's rentals; each has the payment of the same number."""
    return [number for number in numbers(60) if 1 + number % 20 == customer]
