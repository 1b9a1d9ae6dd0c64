"""Where triggers copy to, as far as it can be read: enough for a proposal in a draft."""

import sqlalchemy as sa

from dsr_engine.drivers.sql.schema.catalogue import Catalogue
from dsr_engine.drivers.sql.schema.triggers import named, read_triggers
from dsr_engine.drivers.survey import Copying


def copies(connection: sa.Connection, catalogue: Catalogue) -> tuple[Copying, ...]:
    """(changed collection → collection that its triggers write into), each pair once. Empty for servers that are not known here."""
    tables = {(table.relation.schema, table.relation.name): table for table in catalogue.tables.values()}
    found: dict[Copying, None] = {}
    for trigger in read_triggers(connection):
        source = tables.get((trigger.schema, trigger.relation))
        if source is None or trigger.writes is None:
            continue
        for name in trigger.writes.targets:
            target = named(catalogue, name, source)
            if target in catalogue.tables and target != source.collection:
                found[Copying(source.collection, target)] = None
    return tuple(found)
