"""What all tests share: the private servers."""

from importlib.util import find_spec

#: Each file starts one kind of server, once per session and only if a test asks for it.
_SERVERS = ("postgres", "postgres_standby", "mariadb", "dovecot", "seaweedfs", "moto_s3", "timestamp_authority", "smtp_server", "recipient_server")

pytest_plugins = [f"tests.servers.{name}" for name in _SERVERS if find_spec(f"tests.servers.{name}")]
