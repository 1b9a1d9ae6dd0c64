"""Samples of the formats that are read by Arrow, for the tests that go through all formats."""

import io

import pyarrow
import pyarrow.orc

from tests.content.parquet_tables import customers, written


def _orc() -> bytes:
    sink = io.BytesIO()
    pyarrow.orc.write_table(pyarrow.table({"id": [1, 2], "name": ["jane", "bob"]}), sink)
    return sink.getvalue()


#: Parquet is rewritten, ORC is not.
TABLES = {"parquet": [written(customers(6).select(["id", "name", "address", "extra"]), row_group_size=4)]}
TABLES_READ_ONLY = {"orc": [_orc()]}
