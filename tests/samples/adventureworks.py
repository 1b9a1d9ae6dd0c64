"""A bicycle maker on PostgreSQL, after the structure of AdventureWorks: five schemas, and one key for everybody and everything that can be addressed.

Hard in it: a person is rows in six tables under the key of a supertype; stores and vendors are such entities too, with people as their contacts; an
address hangs on entities through a link table; XML holds what somebody thought of later; employees are people with a second set of data; sales orders
point at a customer, the customer at the person, the order at two addresses; a row's key repeats under another name in each table.

Syed Rao is entity 11: customer 21, contact of store 40, living at address 31 alone. Syed's wife Kim is entity 12; both live at address 32.
Entity 13 is an employee who sold everything.
"""

from tests.samples.people import numbers, phone, somebody, street
from tests.samples.picture import Database

SYED = "syed.rao@mail.example"
OTHER = "s.rao@work.example"
PHONE = "+49 40 5558811"
TRACES = (SYED, OTHER, "Syed Rao", "5558811")

_SCHEMA = """
CREATE SCHEMA person; CREATE SCHEMA sales; CREATE SCHEMA humanresources;
CREATE TYPE person.namestyle AS ENUM ('western', 'eastern');
CREATE DOMAIN person.flag AS boolean NOT NULL DEFAULT false;
CREATE TABLE person.businessentity (businessentityid integer PRIMARY KEY, rowguid uuid NOT NULL DEFAULT gen_random_uuid(),
  modifieddate timestamp NOT NULL DEFAULT now());
CREATE TABLE person.person (
  businessentityid integer PRIMARY KEY REFERENCES person.businessentity, persontype char(2) NOT NULL CHECK (persontype IN ('IN', 'EM', 'SC')),
  namestyle person.namestyle NOT NULL DEFAULT 'western', firstname varchar(50) NOT NULL, lastname varchar(50) NOT NULL, optin person.flag,
  additionalcontactinfo xml, demographics xml);
CREATE TABLE person.emailaddress (
  businessentityid integer NOT NULL REFERENCES person.person, emailaddressid integer NOT NULL, emailaddress varchar(50),
  PRIMARY KEY (businessentityid, emailaddressid));
CREATE TABLE person.personphone (
  businessentityid integer NOT NULL REFERENCES person.person, phonenumber varchar(25) NOT NULL, phonenumbertypeid integer NOT NULL,
  PRIMARY KEY (businessentityid, phonenumber, phonenumbertypeid));
CREATE TABLE person.password (businessentityid integer PRIMARY KEY REFERENCES person.person, passwordhash varchar(128) NOT NULL,
  passwordsalt varchar(10) NOT NULL);
CREATE TABLE person.address (addressid integer PRIMARY KEY, addressline1 varchar(60) NOT NULL, city varchar(30) NOT NULL,
  postalcode varchar(15) NOT NULL, location point);
CREATE TABLE person.businessentityaddress (
  businessentityid integer NOT NULL REFERENCES person.businessentity, addressid integer NOT NULL REFERENCES person.address,
  addresstypeid integer NOT NULL,
  PRIMARY KEY (businessentityid, addressid, addresstypeid));
CREATE TABLE sales.store (businessentityid integer PRIMARY KEY REFERENCES person.businessentity, name varchar(50) NOT NULL, demographics xml);
CREATE TABLE person.businessentitycontact (
  businessentityid integer NOT NULL REFERENCES person.businessentity, personid integer NOT NULL REFERENCES person.person,
  contacttypeid integer NOT NULL,
  PRIMARY KEY (businessentityid, personid, contacttypeid));
CREATE TABLE humanresources.employee (
  businessentityid integer PRIMARY KEY REFERENCES person.person, nationalidnumber varchar(15) NOT NULL UNIQUE, loginid varchar(256) NOT NULL,
  birthdate date NOT NULL CHECK (birthdate >= '1930-01-01'), gender char(1) NOT NULL CHECK (gender IN ('M', 'F')), organizationnode text DEFAULT '/');
CREATE TABLE humanresources.jobcandidate (jobcandidateid integer PRIMARY KEY, businessentityid integer REFERENCES humanresources.employee,
  resume xml);
CREATE TABLE sales.salesperson (businessentityid integer PRIMARY KEY REFERENCES humanresources.employee, bonus numeric NOT NULL DEFAULT 0);
CREATE TABLE sales.customer (
  customerid integer PRIMARY KEY, personid integer REFERENCES person.person, storeid integer REFERENCES sales.store,
  accountnumber text GENERATED ALWAYS AS ('AW' || lpad(customerid::text, 8, '0')) STORED);
CREATE TABLE sales.creditcard (creditcardid integer PRIMARY KEY, cardnumber varchar(25) NOT NULL UNIQUE, expyear smallint NOT NULL);
CREATE TABLE sales.personcreditcard (
  businessentityid integer NOT NULL REFERENCES person.person, creditcardid integer NOT NULL REFERENCES sales.creditcard,
  PRIMARY KEY (businessentityid, creditcardid));
CREATE TABLE sales.salesorderheader (
  salesorderid integer PRIMARY KEY, orderdate timestamp NOT NULL, customerid integer NOT NULL REFERENCES sales.customer,
  salespersonid integer REFERENCES sales.salesperson, billtoaddressid integer NOT NULL REFERENCES person.address,
  creditcardid integer REFERENCES sales.creditcard,
  comment text, totaldue numeric);
CREATE TABLE sales.salesorderdetail (
  salesorderid integer NOT NULL REFERENCES sales.salesorderheader ON DELETE CASCADE, salesorderdetailid integer NOT NULL, product text NOT NULL,
  PRIMARY KEY (salesorderid, salesorderdetailid));
"""

CONNECTOR = """\
connector: adventureworks
driver: sql
collections:
  person.businessentity:
    fields:
      businessentityid: {category: user.unique_id}
  person.person:
    fields:
      businessentityid: {category: user.unique_id, selects: entity_id, identifies: true, references: person.businessentity.businessentityid,
  carries: true}
      firstname:  {category: user.name.first}
      lastname:   {category: user.name.last}
      additionalcontactinfo: {category: user.contact}
      demographics: {category: user.demographic}
  person.emailaddress:
    fields:
      businessentityid: {category: user.unique_id, selects: entity_id, references: person.person.businessentityid, identifies: true}
      emailaddress:     {category: user.contact.email, selects: email, identifies: true}
  person.personphone:
    fields:
      businessentityid: {category: user.unique_id, selects: entity_id, references: person.person.businessentityid}
      phonenumber:      {category: user.contact.phone_number}
  person.password:
    fields:
      businessentityid: {category: user.unique_id, selects: entity_id, references: person.person.businessentityid}
  person.businessentityaddress:
    fields:
      businessentityid: {category: user.unique_id, selects: entity_id, references: person.person.businessentityid}
      addressid:        {category: user.contact.address, references: person.address.addressid, carries: true}
  person.address:
    fields:
      addressline1: {category: user.contact.address.street}
      postalcode:   {category: user.contact.address.postal_code}
  person.businessentitycontact:
    fields:
      personid: {category: user.unique_id, selects: entity_id, references: person.person.businessentityid}
  sales.customer:
    fields:
      customerid: {category: user.unique_id, selects: customer_id, identifies: true}
      personid:   {category: user.unique_id, selects: entity_id, references: person.person.businessentityid}
  sales.personcreditcard:
    fields:
      businessentityid: {category: user.unique_id, selects: entity_id, references: person.person.businessentityid}
      creditcardid:     {category: user.financial, references: sales.creditcard.creditcardid, carries: true}
  sales.creditcard:
    fields:
      cardnumber: {category: user.financial.bank_account}
  sales.salesorderheader:
    fields:
      customerid:    {category: user.unique_id, selects: customer_id, references: sales.customer.customerid}
      salespersonid: {role: actor}
      comment:       {category: user.content, search: text}
  humanresources.employee:
    fields:
      businessentityid: {category: user.unique_id, selects: entity_id, references: person.person.businessentityid}
      nationalidnumber: {category: user.government_id}
      loginid:          {category: user.account.username}
      birthdate:        {category: user.date_of_birth}
      gender:           {category: user.demographic.gender}
  humanresources.jobcandidate:
    fields:
      resume: {category: user.content, search: text}
discover: rest
"""


def build(database: Database) -> None:
    """Fills an empty PostgreSQL database: 30 people, 3 stores, 20 customers, 40 orders."""
    database.run(_SCHEMA)
    database.insert("person.businessentity", [{"businessentityid": number} for number in (*numbers(30), 40, 41, 42)])
    database.insert("person.person", [_person(number) for number in numbers(30)])
    database.insert("person.emailaddress", [_email(number) for number in numbers(30)])
    database.insert("person.emailaddress", [{"businessentityid": 11, "emailaddressid": 2, "emailaddress": OTHER}])
    phones = [
        {"businessentityid": number, "phonenumber": PHONE if number in (11, 12) else phone(number), "phonenumbertypeid": 1} for number in numbers(30)
    ]
    database.insert("person.personphone", phones)
    database.insert("person.password", [{"businessentityid": number, "passwordhash": f"h{number}", "passwordsalt": "s"} for number in numbers(30)])
    places = [
        {"addressid": number, "addressline1": street(number), "city": "Town", "postalcode": str(20000 + number), "location": "(1,2)"}
        for number in numbers(45)
    ]
    database.insert("person.address", places)
    lives = ((11, 31), (11, 32), (12, 32), *((number, number) for number in numbers(30, without=(11, 12))), (40, 40))
    database.insert("person.businessentityaddress", [{"businessentityid": one, "addressid": place, "addresstypeid": 2} for one, place in lives])
    database.insert(
        "sales.store", [{"businessentityid": number, "name": f"Store {number}", "demographics": "<s><n>1</n></s>"} for number in (40, 41, 42)]
    )
    database.insert("person.businessentitycontact", [{"businessentityid": 40, "personid": number, "contacttypeid": 1} for number in (11, 14)])
    database.insert("humanresources.employee", [_employee(number) for number in (13, 15)])
    resumes = (f"<r><refer>{SYED}</refer><years>5</years></r>", "<r><years>7</years></r>")
    database.insert(
        "humanresources.jobcandidate", [{"jobcandidateid": number, "businessentityid": 13, "resume": text} for number, text in enumerate(resumes, 1)]
    )
    database.insert("sales.salesperson", [{"businessentityid": 13, "bonus": "100.50"}])
    database.insert("sales.customer", [{"customerid": number + 10, "personid": number, "storeid": None} for number in numbers(20)])
    database.insert("sales.customer", [{"customerid": 50, "personid": None, "storeid": 40}])
    database.insert("sales.creditcard", [{"creditcardid": number, "cardnumber": f"4000{number:012}", "expyear": 2030} for number in numbers(20)])
    database.insert("sales.personcreditcard", [{"businessentityid": number, "creditcardid": number} for number in numbers(20)])
    database.insert("sales.salesorderheader", [_order(number) for number in numbers(40)])
    lines = [{"salesorderid": 1 + number % 40, "salesorderdetailid": number, "product": "Bell"} for number in numbers(80)]
    database.insert("sales.salesorderdetail", lines)


def _person(number: int) -> dict[str, object]:
    first, last = {11: ("Syed", "Rao"), 12: ("Kim", "Rao")}.get(number) or somebody(number)[:2]
    more = f"<more><mail>{OTHER}</mail><note>see &lt;{SYED}&gt;</note></more>" if number == 11 else None
    return {
        "businessentityid": number,
        "persontype": "EM" if number in (13, 15) else "IN",
        "firstname": first,
        "lastname": last,
        "additionalcontactinfo": more,
        "demographics": "<d><cars>2</cars></d>",
    }


def _email(number: int) -> dict[str, object]:
    return {"businessentityid": number, "emailaddressid": 1, "emailaddress": SYED if number == 11 else somebody(number)[2]}


def _employee(number: int) -> dict[str, object]:
    return {
        "businessentityid": number,
        "nationalidnumber": f"29584728{number}",
        "loginid": f"aw\\user{number}",
        "birthdate": "1970-02-03",
        "gender": "F",
    }


def _order(number: int) -> dict[str, object]:
    customer = 11 + number % 20
    return {
        "salesorderid": number,
        "orderdate": "2026-01-01 00:00:00",
        "customerid": customer,
        "salespersonid": 13,
        "billtoaddressid": 31 if customer == 21 else customer - 10,
        "creditcardid": customer - 10,
        "comment": f"Gift for {SYED}" if number == 5 else None,
        "totaldue": "12.50",
    }


def orders_of(customer: int) -> list[int]:
    return [number for number in numbers(40) if 11 + number % 20 == customer]


def lines_of(order: int) -> list[tuple[str, str]]:
    return [(str(order), str(number)) for number in numbers(80) if 1 + number % 40 == order]
