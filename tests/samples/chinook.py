"""A music shop on SQLite, after the structure of Chinook: employees support customers and report to each other; invoices are kept by law.

Hard in it: the same person may be somebody who only acted; self-references; columns under NOCASE; full-text search (FTS5, with its own content and
with content elsewhere); a table WITHOUT ROWID; types that SQLite does not enforce.

Luis Costa (customer 4) is a customer. Jane Peacock (employee 3) is his support and reports to Nancy (2).
"""

from tests.samples.people import numbers, phone, somebody, street
from tests.samples.picture import Database

LUIS = "luis.costa@mail.example"
JANE = "jane.peacock@shop.example"
TRACES = (LUIS, "Luis Costa")

_SCHEMA = (
    """CREATE TABLE Employee (
  EmployeeId INTEGER PRIMARY KEY, LastName NVARCHAR(20) NOT NULL, FirstName NVARCHAR(20) NOT NULL, Title NVARCHAR(30),
  ReportsTo INTEGER REFERENCES Employee (EmployeeId) ON DELETE NO ACTION ON UPDATE NO ACTION, BirthDate DATETIME, Address NVARCHAR(70),
  Phone NVARCHAR(24), Email NVARCHAR(60) COLLATE NOCASE)""",
    """CREATE TABLE Customer (
  CustomerId INTEGER PRIMARY KEY, FirstName NVARCHAR(40) NOT NULL, LastName NVARCHAR(20) NOT NULL, Company NVARCHAR(80), Address NVARCHAR(70),
  PostalCode NVARCHAR(10), Phone NVARCHAR(24), Fax NVARCHAR(24), Email NVARCHAR(60) NOT NULL COLLATE NOCASE,
  SupportRepId INTEGER REFERENCES Employee (EmployeeId) ON DELETE NO ACTION ON UPDATE NO ACTION)""",
    """CREATE TABLE Invoice (
  InvoiceId INTEGER PRIMARY KEY, CustomerId INTEGER NOT NULL REFERENCES Customer (CustomerId), InvoiceDate DATETIME NOT NULL,
  BillingAddress NVARCHAR(70), Total NUMERIC(10,2) NOT NULL)""",
    "CREATE INDEX IFK_InvoiceCustomerId ON Invoice (CustomerId)",
    """CREATE TABLE InvoiceLine (
  InvoiceLineId INTEGER PRIMARY KEY, InvoiceId INTEGER NOT NULL REFERENCES Invoice (InvoiceId), Track NVARCHAR(200) NOT NULL,
  UnitPrice NUMERIC(10,2) NOT NULL, Quantity INTEGER NOT NULL)""",
    """CREATE TABLE Wish (
  CustomerId INTEGER NOT NULL REFERENCES Customer ON DELETE CASCADE, Track TEXT NOT NULL, PRIMARY KEY (CustomerId, Track)) WITHOUT ROWID""",
    "CREATE TABLE Ticket (TicketId INTEGER PRIMARY KEY, Body TEXT NOT NULL)",
    "CREATE VIRTUAL TABLE TicketSearch USING fts5 (Body, content='Ticket', content_rowid='TicketId')",
    "CREATE TRIGGER TicketIn AFTER INSERT ON Ticket BEGIN INSERT INTO TicketSearch (rowid, Body) VALUES (NEW.TicketId, NEW.Body); END",
    """CREATE TRIGGER TicketOut AFTER DELETE ON Ticket BEGIN
  INSERT INTO TicketSearch (TicketSearch, rowid, Body) VALUES ('delete', OLD.TicketId, OLD.Body); END""",
    """CREATE TRIGGER TicketUp AFTER UPDATE ON Ticket BEGIN
  INSERT INTO TicketSearch (TicketSearch, rowid, Body) VALUES ('delete', OLD.TicketId, OLD.Body);
  INSERT INTO TicketSearch (rowid, Body) VALUES (NEW.TicketId, NEW.Body); END""",
)

CONNECTOR = """\
connector: chinook
driver: sql
collections:
  Employee:
    fields:
      EmployeeId: {category: user.unique_id, selects: employee_id, identifies: true}
      FirstName:  {category: user.name.first}
      LastName:   {category: user.name.last}
      BirthDate:  {category: user.date_of_birth}
      Address:    {category: user.contact.address.street}
      Phone:      {category: user.contact.phone_number}
      Email:      {category: user.contact.email, selects: email}
  Customer:
    fields:
      CustomerId: {category: user.unique_id, selects: customer_id, identifies: true}
      FirstName:  {category: user.name.first}
      LastName:   {category: user.name.last}
      Company:    {category: user.job_title}
      Address:    {category: user.contact.address.street}
      PostalCode: {category: user.contact.address.postal_code}
      Phone:      {category: user.contact.phone_number}
      Fax:        {category: user.contact.phone_number}
      Email:      {category: user.contact.email, selects: email}
      SupportRepId: {category: user.unique_id, references: Employee.EmployeeId, role: actor}
  Invoice:
    fields:
      CustomerId:     {category: user.unique_id, selects: customer_id, references: Customer.CustomerId}
      BillingAddress: {category: user.contact.address.street}
      InvoiceDate:    {starts: retention}
  Wish:
    fields:
      CustomerId: {category: user.unique_id, selects: customer_id, references: Customer.CustomerId}
  Ticket:
    fields:
      Body: {category: user.content, search: text}
discover: rest
"""


def build(database: Database) -> None:
    """Fills an empty SQLite file: 8 employees, 30 customers, 60 invoices with two lines each."""
    database.run(*_SCHEMA)
    database.insert("Employee", [_employee(number) for number in numbers(8)])
    database.insert("Customer", [_customer(number) for number in numbers(30)])
    database.insert("Invoice", [_invoice(number) for number in numbers(60)])
    database.insert("InvoiceLine", [_line(number) for number in numbers(120)])
    database.insert("Wish", [{"CustomerId": number, "Track": f"Song {track}"} for number in numbers(30) for track in (1, 2)])
    tickets = (f"Please call {LUIS.upper()} back.", f"Write to ana{LUIS}.", "The lamp is broken.", f"{JANE} is on leave.")
    database.insert("Ticket", [{"TicketId": number, "Body": body} for number, body in enumerate(tickets, start=1)])


def _employee(number: int) -> dict[str, object]:
    known = {3: ("Jane", "Peacock", JANE), 2: ("Nancy", "Edwards", "nancy@shop.example")}
    first, last, email = known.get(number) or somebody(100 + number)
    chief = {1: None, 2: 1}.get(number, 2 if number < 5 else 3)
    return {
        "EmployeeId": number,
        "LastName": last,
        "FirstName": first,
        "Title": "Sales",
        "ReportsTo": chief,
        "BirthDate": f"19{60 + number}-05-01 00:00:00",
        "Address": street(100 + number),
        "Phone": phone(100 + number),
        "Email": email,
    }


def _customer(number: int) -> dict[str, object]:
    first, last, email = ("Luis", "Costa", "Luis.Costa@mail.example") if number == 4 else somebody(number)
    return {
        "CustomerId": number,
        "FirstName": first,
        "LastName": last,
        "Company": "Costa Ltd" if number == 4 else None,
        "Address": street(number),
        "PostalCode": str(30000 + number),
        "Phone": phone(number),
        "Fax": None,
        "Email": email,
        "SupportRepId": 3 + number % 3,
    }


def _invoice(number: int) -> dict[str, object]:
    customer = 1 + number % 30
    year = 2010 if number <= 30 else 2025
    return {
        "InvoiceId": number,
        "CustomerId": customer,
        "InvoiceDate": f"{year}-0{1 + number % 9}-01 00:00:00",
        "BillingAddress": street(customer),
        "Total": 1.98,
    }


def _line(number: int) -> dict[str, object]:
    return {"InvoiceLineId": number, "InvoiceId": 1 + number % 60, "Track": f"Song {number % 9}", "UnitPrice": 0.99, "Quantity": 1}


def invoices_of(customer: int) -> tuple[int, int]:
    """The old and the young invoice of a customer."""
    old, young = [number for number in numbers(60) if 1 + number % 30 == customer]
    return old, young


def lines_of(invoice: int) -> list[int]:
    return [number for number in numbers(120) if 1 + number % 60 == invoice]
