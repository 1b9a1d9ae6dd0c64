"""Customer relations on PostgreSQL as grown software has it, with the habits of Rails and Odoo: everything that a foreign key does not tell.

Hard in it: accounts and contacts point at each other; comments hang on anything by a type and a number; a trigger writes old rows into an audit
table as JSON; rows belong to tenants and are fenced by row-level security; deletion is a date; keys are UUIDs; addresses are case-insensitive
(citext), in arrays, in JSON; events have no key; a materialized view gathers addresses; scans are large objects.

Ann Rowe is contact ANN; an older record of hers (OLD) was "deleted". Joann Rowe (JOANN) has an address that ends in hers, Ben Rowe (BEN) the same
telephone. All are of tenant 1; tenant 2 knows an Ann Rowe too, under another address (NAMESAKE).
"""

from tests.samples.people import numbers, phone, somebody
from tests.samples.picture import Database

EMAIL = "ann.rowe@mail.example"
PRIVATE = "rowe.a@home.example"
HOUSEHOLD = "+49 40 5551234"
TRACES = (EMAIL, "Ann Rowe")


def contact_id(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012}"


def account_id(number: int) -> str:
    return f"00000000-0000-4000-9000-{number:012}"


ANN, OLD, JOANN, BEN, NAMESAKE = (contact_id(number) for number in (1, 2, 3, 4, 5))

_SCHEMA = """
CREATE EXTENSION IF NOT EXISTS citext;
CREATE TABLE account (id uuid PRIMARY KEY, tenant_id integer NOT NULL, name text NOT NULL, primary_contact uuid, notes text);
CREATE TABLE contact (
  id uuid PRIMARY KEY, tenant_id integer NOT NULL, account_id uuid NOT NULL REFERENCES account ON DELETE RESTRICT, email citext,
  full_name text NOT NULL,
  phone varchar(30), other_emails citext[] NOT NULL DEFAULT '{}', details jsonb NOT NULL DEFAULT '{}', deleted_at timestamptz,
  UNIQUE (tenant_id, email));
ALTER TABLE account ADD CONSTRAINT account_primary_contact FOREIGN KEY (primary_contact) REFERENCES contact;
CREATE TABLE comment (
  id bigserial PRIMARY KEY, tenant_id integer NOT NULL, commentable_type text NOT NULL, commentable_id uuid NOT NULL,
  author_id uuid REFERENCES contact ON DELETE SET NULL,
  body text NOT NULL);
CREATE TABLE tag (id serial PRIMARY KEY, label text NOT NULL);
CREATE TABLE contact_tag (contact_id uuid NOT NULL REFERENCES contact ON DELETE CASCADE, tag_id integer NOT NULL REFERENCES tag,
  PRIMARY KEY (contact_id, tag_id));
CREATE TABLE event (at timestamptz NOT NULL, email citext, what text NOT NULL);
CREATE TABLE attachment (id serial PRIMARY KEY, contact_id uuid NOT NULL REFERENCES contact, title text NOT NULL, data bytea);
CREATE TABLE audit_log (id bigserial PRIMARY KEY, row_table text NOT NULL, row_id uuid NOT NULL, old_row jsonb,
  at timestamptz NOT NULL DEFAULT now());
CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN INSERT INTO audit_log (row_table, row_id, old_row) VALUES (TG_TABLE_NAME, OLD.id, to_jsonb(OLD)); RETURN NULL; END $$;
CREATE MATERIALIZED VIEW account_mail AS
  SELECT account_id, count(*) AS contacts, string_agg(email::text, ', ' ORDER BY email) AS emails FROM contact WHERE deleted_at IS NULL GROUP BY 1;
CREATE UNIQUE INDEX ON account_mail (account_id);
ALTER TABLE contact ENABLE ROW LEVEL SECURITY;
ALTER TABLE comment ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON contact USING (tenant_id = current_setting('crm.tenant', true)::integer);
CREATE POLICY tenant ON comment USING (tenant_id = current_setting('crm.tenant', true)::integer);
"""
AUDIT = "CREATE TRIGGER audit AFTER UPDATE OR DELETE ON contact FOR EACH ROW EXECUTE FUNCTION audit()"

CONNECTOR = """\
connector: crm
driver: sql
collections:
  contact:
    fields:
      id:           {category: user.unique_id, selects: contact_id, identifies: true}
      email:        {category: user.contact.email, selects: email}
      other_emails: {category: user.contact.email, selects: email}
      full_name:    {category: user.name}
      phone:        {category: user.contact.phone_number, selects: phone}
      details:      {category: user.content}
  account:
    fields:
      primary_contact: {category: user.unique_id, references: contact.id, role: actor}
      notes:           {category: user.content, search: text}
  comment:
    fields:
      author_id:      {category: user.unique_id, selects: contact_id, references: contact.id}
      commentable_id: {category: user.unique_id, references: contact.id, role: actor}
      body:           {category: user.content, search: text}
  contact_tag:
    fields:
      contact_id: {category: user.unique_id, selects: contact_id, references: contact.id}
  attachment:
    fields:
      contact_id: {category: user.unique_id, selects: contact_id, references: contact.id}
  event:
    fields:
      email: {category: user.contact.email, selects: email}
  audit_log:
    fields:
      row_id: {category: user.unique_id, selects: contact_id, references: contact.id}
discover: rest
"""


def build(database: Database, *more: str) -> None:
    """Fills an empty PostgreSQL database: 8 accounts, 30 contacts, and what hangs on them."""
    database.run(_SCHEMA)
    database.insert(
        "account",
        [
            {
                "id": account_id(number),
                "tenant_id": 2 if number == 5 else 1,
                "name": f"Firm {number}",
                "notes": f"Talk to {EMAIL}." if number == 2 else None,
            }
            for number in numbers(8)
        ],
    )
    database.insert("contact", [_contact(number) for number in numbers(30)])
    database.run(
        f"UPDATE account SET primary_contact = '{ANN}' WHERE id = '{account_id(1)}'",
        f"UPDATE account SET primary_contact = '{contact_id(10)}' WHERE id = '{account_id(2)}'",
    )
    database.insert("comment", _comments())
    database.insert("tag", [{"id": 1, "label": "warm"}, {"id": 2, "label": "cold"}])
    database.insert("contact_tag", [{"contact_id": contact_id(number), "tag_id": 1 + number % 2} for number in (1, 3, 4, 10)])
    events = (EMAIL.upper(), EMAIL, "jo" + EMAIL, "mo@mail.example", None)
    database.insert("event", [{"at": "2026-01-02 03:04:05+00", "email": email, "what": "opened"} for email in events])
    files = ((ANN, "Contract", b"Signed by somebody"), (JOANN, f"About {EMAIL}", None))
    database.insert("attachment", [{"contact_id": contact, "title": title, "data": data} for contact, title, data in files])
    database.run("REFRESH MATERIALIZED VIEW account_mail", *more)


def _contact(number: int) -> dict[str, object]:
    first, last, email = somebody(number)
    known: dict[int, dict[str, object]] = {
        1: {
            "email": "Ann.Rowe@mail.example",
            "full_name": "Ann Rowe",
            "phone": HOUSEHOLD,
            "details": f'{{"mail": ["{PRIVATE}"], "born": "1980-01-02"}}',
        },
        2: {"email": None, "full_name": "A. Rowe", "other_emails": [EMAIL, PRIVATE], "deleted_at": "2025-01-01 00:00:00+00"},
        3: {"email": "jo" + EMAIL, "full_name": "Joann Rowe", "phone": phone(3)},
        4: {
            "email": "ben.rowe@mail.example",
            "full_name": "Ben Rowe",
            "phone": "040 5551234",
            "details": f'{{"partner": {{"email": "{EMAIL}"}}, "n": 1.50}}',
        },
        5: {"email": "ann@other.example", "full_name": "Ann Rowe", "tenant_id": 2, "account_id": account_id(5)},
    }
    plain: dict[str, object] = {
        "id": contact_id(number),
        "tenant_id": 1,
        "account_id": account_id(1 + number % 4),
        "email": email,
        "full_name": f"{first} {last}",
        "phone": phone(number),
        "other_emails": [],
        "details": '{"tags": []}',
        "deleted_at": None,
    }
    return plain | known.get(number, {})


def _comments() -> list[dict[str, object]]:
    """1 by Ann on an account; 2 by somebody on Ann; 3 by Joann naming Ann; 4 by Joann naming herself; 5 by nobody, on an account."""
    told = (
        ("Account", account_id(3), ANN, "I shall come on Monday."),
        ("Contact", ANN, contact_id(10), "She is kind."),
        ("Account", account_id(3), JOANN, f"Ask <{EMAIL}> or jo{EMAIL}; 100% sure."),
        ("Contact", JOANN, JOANN, f"My address is jo{EMAIL}."),
        ("Account", account_id(1), None, "Nothing."),
    )
    return [{"tenant_id": 1, "commentable_type": kind, "commentable_id": on, "author_id": author, "body": body} for kind, on, author, body in told]
