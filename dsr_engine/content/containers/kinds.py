"""Compressed files and archives, in one list, so that whoever picks formats need not know each."""

from dsr_engine.content.containers.archive_file import ArchiveFile
from dsr_engine.content.containers.gzip_file import GzipFile
from dsr_engine.content.containers.squeezed import Squeezed
from dsr_engine.content.containers.stream_codecs import Bzip2, Lzma, Xz, Zstd
from dsr_engine.content.containers.tar_file import TarFile
from dsr_engine.content.containers.zip_file import ZipFile
from dsr_engine.content.format import Format, Nested


def containers(nested: Nested) -> tuple[Format, ...]:
    """All of them; they hold no state."""
    return (
        GzipFile(nested),
        ZipFile(nested),
        TarFile(nested),
        ArchiveFile(nested),
        *(Squeezed(nested, codec) for codec in (Bzip2(), Xz(), Lzma(), Zstd())),
    )
