"""The sentences for the reasons that a child may give for not reading a Parquet file."""

REASONS = {
    "parquet.damaged": "a Parquet file is damaged; what could not be read in it was searched as bytes only",
    "parquet.encrypted": "a Parquet file or some of its columns are encrypted and were not read",
    "parquet.unknown": "a Parquet file has columns of a kind that is not read; it was searched as bytes only",
}
