"""A sample company for `dsr demo`: invented people in a database, a mail store and a bucket."""
