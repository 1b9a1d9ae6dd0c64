"""What outlives an erasure in the storage of a database server, channel by channel, and what an administrator can do about it."""
