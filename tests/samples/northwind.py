"""A trading company on PostgreSQL, after the structure of Northwind: keys are padded codes or made of two columns.

Hard in it: customers are named by CHAR(5); order lines and territories have composite keys; employees report to each other and have a photo;
suppliers and customers both have a `contact_name`; names hold quotes, percent signs, backslashes and line feeds.

Zoe O'Brien is the contact of customer OBRIE, and of a supplier as well. Employee 5 has the same first name.
"""

from tests.samples.people import numbers, phone, somebody, street
from tests.samples.picture import Database

ZOE = "zoe.o'brien@mail.example"
NAME = "Zoe O'Brien"
TRACES = (ZOE, NAME)

_SCHEMA = """
CREATE TABLE customers (
  customer_id bpchar(5) NOT NULL PRIMARY KEY, company_name varchar(40) NOT NULL, contact_name varchar(30), contact_title varchar(30),
  contact_email varchar(60), address varchar(60), postal_code varchar(10), phone varchar(24), fax varchar(24));
CREATE TABLE customer_demographics (customer_type_id bpchar NOT NULL PRIMARY KEY, customer_desc text);
CREATE TABLE customer_customer_demo (
  customer_id bpchar(5) NOT NULL REFERENCES customers, customer_type_id bpchar NOT NULL REFERENCES customer_demographics,
  PRIMARY KEY (customer_id, customer_type_id));
CREATE TABLE employees (
  employee_id smallint NOT NULL PRIMARY KEY, last_name varchar(20) NOT NULL, first_name varchar(10) NOT NULL, birth_date date, photo bytea,
  notes text,
  email varchar(60) UNIQUE, reports_to smallint REFERENCES employees);
CREATE TABLE territories (territory_id varchar(20) NOT NULL PRIMARY KEY, territory_description varchar(60) NOT NULL);
CREATE TABLE employee_territories (
  employee_id smallint NOT NULL REFERENCES employees, territory_id varchar(20) NOT NULL REFERENCES territories, PRIMARY KEY (employee_id,
  territory_id));
CREATE TABLE suppliers (supplier_id smallint NOT NULL PRIMARY KEY, company_name varchar(40) NOT NULL, contact_name varchar(30), homepage text);
CREATE TABLE products (product_id smallint NOT NULL PRIMARY KEY, product_name varchar(40) NOT NULL, supplier_id smallint REFERENCES suppliers,
  unit_price real);
CREATE TABLE orders (
  order_id smallint NOT NULL PRIMARY KEY, customer_id bpchar(5) REFERENCES customers, employee_id smallint REFERENCES employees, order_date date,
  ship_name varchar(40), ship_address varchar(60), freight real);
CREATE TABLE order_details (
  order_id smallint NOT NULL REFERENCES orders, product_id smallint NOT NULL REFERENCES products, unit_price real NOT NULL,
  quantity smallint NOT NULL,
  remark text, PRIMARY KEY (order_id, product_id));
"""

CONNECTOR = """\
connector: northwind
driver: sql
collections:
  customers:
    fields:
      customer_id:   {category: user.unique_id, selects: customer_id, identifies: true}
      contact_name:  {category: user.name}
      contact_title: {category: user.job_title}
      contact_email: {category: user.contact.email, selects: email}
      address:       {category: user.contact.address.street}
      phone:         {category: user.contact.phone_number}
  customer_customer_demo:
    fields:
      customer_id: {category: user.unique_id, selects: customer_id, references: customers.customer_id}
  employees:
    fields:
      employee_id: {category: user.unique_id, selects: employee_id, identifies: true}
      last_name:   {category: user.name.last}
      first_name:  {category: user.name.first}
      birth_date:  {category: user.date_of_birth}
      photo:       {category: user.name}
      notes:       {category: user.content, search: text}
      email:       {category: user.contact.email, selects: email}
  employee_territories:
    fields:
      employee_id: {category: user.unique_id, selects: employee_id, references: employees.employee_id}
  orders:
    fields:
      customer_id: {category: user.unique_id, selects: customer_id, references: customers.customer_id}
      employee_id: {category: user.unique_id, references: employees.employee_id, role: actor}
      ship_name:    {category: user.name}
      ship_address: {category: user.contact.address.street}
  order_details:
    fields:
      order_id: {category: user.unique_id, selects: order_id, references: orders.order_id}
      remark:   {category: user.content, search: text}
discover: rest
"""
#: As above, for an officer who says that lines go with their order.
LINES_TOO = CONNECTOR.replace(
    "  orders:\n    fields:\n", "  orders:\n    fields:\n      order_id: {category: user.unique_id, selects: order_id, identifies: true}\n"
)

REMARKS = (f'for {NAME}, 100% \\ "sure"\nsecond line; call {ZOE}', "for Zoe O'Briens", f"not jo{ZOE}", None)


def build(database: Database) -> None:
    """Fills an empty PostgreSQL database: 20 customers, 9 employees, 40 orders with two lines each."""
    database.run(_SCHEMA)
    database.insert("customers", [_customer(number) for number in numbers(20)])
    database.insert("customer_demographics", [{"customer_type_id": "VIP", "customer_desc": "important"}])
    database.insert("customer_customer_demo", [{"customer_id": code(number), "customer_type_id": "VIP"} for number in (1, 2)])
    database.insert("employees", [_employee(number) for number in (2, 5, *numbers(9, without=(2, 5)))])
    database.insert("territories", [{"territory_id": f"0{number}", "territory_description": f"Area {number}"} for number in numbers(4)])
    database.insert("employee_territories", [{"employee_id": number, "territory_id": f"0{1 + number % 4}"} for number in numbers(9)])
    database.insert(
        "suppliers",
        [{"supplier_id": 1, "company_name": "Trade", "contact_name": NAME}, {"supplier_id": 2, "company_name": "B", "contact_name": "Bo Ek"}],
    )
    database.insert(
        "products", [{"product_id": number, "product_name": f"Tea {number}", "supplier_id": 1, "unit_price": 1.1} for number in numbers(5)]
    )
    database.insert("orders", [_order(number) for number in numbers(40)])
    database.insert("order_details", [_line(number) for number in numbers(80)])


def code(number: int) -> str:
    """The key of a customer; some are shorter than the column."""
    return "OBRIE" if number == 1 else f"C{number}".ljust(5)


def _customer(number: int) -> dict[str, object]:
    first, last, email = somebody(number)
    return {
        "customer_id": code(number),
        "company_name": f"Firm {number}",
        "contact_name": NAME if number == 1 else f"{first} {last}",
        "contact_title": "Owner",
        "contact_email": ZOE if number == 1 else email,
        "address": street(number),
        "phone": phone(number),
    }


def _employee(number: int) -> dict[str, object]:
    first, last, email = ("Zoe", "Falk", "zoe.falk@trade.example") if number == 5 else somebody(60 + number)
    return {
        "employee_id": number,
        "last_name": last,
        "first_name": first,
        "birth_date": f"19{50 + number}-01-01",
        "photo": b"BM" + bytes(range(number)),
        "notes": f"{first} speaks French.",
        "email": email,
        "reports_to": None if number == 2 else 2 if number < 6 else 5,
    }


def _order(number: int) -> dict[str, object]:
    customer = 1 + number % 20
    first, last, _ = somebody(customer)
    return {
        "order_id": number,
        "customer_id": code(customer),
        "employee_id": 1 + number % 9,
        "order_date": "2026-01-05",
        "ship_name": NAME if customer == 1 else f"{first} {last}",
        "ship_address": street(customer),
        "freight": 3.25,
    }


def _line(number: int) -> dict[str, object]:
    order = 1 + number % 40
    remark = REMARKS[number - 1] if number <= len(REMARKS) else None
    return {"order_id": order, "product_id": 1 + number // 40 % 5, "unit_price": 1.1, "quantity": 2, "remark": remark}


def orders_of(customer: int) -> list[int]:
    return [number for number in numbers(40) if 1 + number % 20 == customer]


def lines_of(order: int) -> list[tuple[str, str]]:
    """The keys of an order's lines, as a picture has them."""
    return [(str(order), str(1 + number // 40 % 5)) for number in numbers(80) if 1 + number % 40 == order]
