"""What outlives an erased or rewritten mail at each kind of mail server: facts about products, and the commands with which administrators end it.

Nothing here was seen at the server in question, because IMAP shows none of it; `upkeep.py` adds what can be seen. A server that is not known keeps
something too, and that is said in general words.

Sources: measured on Dovecot 2.3.19 (the cache keeps the Subject of an expunged mail until it is purged, mdbox its body until the storage is; Xapian
1.5.5 and Lucene keep words until they are scanned anew, and neither is announced; for Solr that command only resets numbers, fts-backend-solr.c);
https://doc.dovecot.org (mailbox formats, doveadm, lazy_expunge, fts); https://www.cyrusimap.org (expunge_mode, cyr_expire, squatter);
https://learn.microsoft.com/exchange (Recoverable Items, single item recovery, holds); https://support.google.com (Trash, Spam, Vault);
https://wiki.zimbra.com (dumpster, redo log).
"""

from collections.abc import Iterator
from dataclasses import dataclass

from dsr_engine.domain.residue import ResidueState
from dsr_engine.drivers.mailstore.imap_nature import ServerNature

STAYS, ELSEWHERE, UNKNOWN = ResidueState.RETAINED, ResidueState.OUTSIDE_CONTROL, ResidueState.NOT_ASSESSED

#: What stands for names in commands. `FOLDERS` is each touched folder, as a word of its own.
USER, FOLDERS = "{user}", "{folders}"


@dataclass(frozen=True, slots=True)
class Kept:
    """One way by which mail outlives its erasure. `commands` are arguments of `doveadm` that end it, in their order; empty: no such command does.

    `is_seen`: the state was looked at and is not only known of the product.
    """

    code: str
    what: str
    state: ResidueState
    detail: str
    level: str = "C1"
    commands: tuple[tuple[str, ...], ...] = ()
    is_seen: bool = False


PURGE_CACHE = ("mailbox", "cache", "purge", "-u", USER, FOLDERS)
_PURGE_STORAGE = ("purge", "-u", USER)
#: Takes out the words of mails that are gone where the index lies beside the mails; the second one fills what the first one emptied.
REBUILD_WORDS = (("fts", "rescan", "-u", USER), ("index", "-u", USER, "*"))

#: What Dovecot offers where its full-text index is a search server's (Solr, Elasticsearch). An index beside the mails is not announced.
FUZZY = "SEARCH=FUZZY"

_DOVECOT = (
    Kept(
        "dovecot.index_cache",
        "headers in Dovecot's index cache (dovecot.index.cache)",
        STAYS,
        "it keeps Subject, From and To of expunged mails until it is purged",
        commands=(PURGE_CACHE,),
    ),
    Kept(
        "dovecot.storage",
        "bodies in the files of mdbox",
        UNKNOWN,
        "IMAP does not tell the format; in mdbox a body stays in storage/m.* until `doveadm purge`, in other formats that command does nothing",
        commands=(_PURGE_STORAGE,),
    ),
    Kept(
        "dovecot.lazy_expunge",
        "mails that Dovecot keeps aside when they are expunged (lazy_expunge)",
        UNKNOWN,
        "their folder is searched where it is listed; it may be hidden: `doveconf -n | grep lazy_expunge` tells, and `doveadm expunge` works there",
    ),
    Kept(
        "dovecot.log",
        "transaction log of the index (dovecot.index.log)",
        ELSEWHERE,
        "it holds numbers, flags and names of folders, and rotates",
        "C2",
    ),
    Kept(
        "dovecot.replicas",
        "replicas (dsync)",
        UNKNOWN,
        "`doveadm replicator status '*'` lists them; each has an index and a storage of its own",
        "C2",
    ),
)
_WORDS = "words in Dovecot's full-text index"
_FULL_TEXT = Kept(
    "dovecot.full_text",
    _WORDS,
    STAYS,
    "a search server has it (SEARCH=FUZZY): Solr keeps words of deleted documents until it merges, for which `/update?optimize=true` asks; "
    "`doveadm fts rescan` does nothing about them",
)
_NO_FULL_TEXT = Kept(
    "dovecot.full_text",
    _WORDS,
    UNKNOWN,
    "no search server is announced (SEARCH=FUZZY), an index beside the mails never is: `doveconf -n | grep fts` tells; for Xapian and Lucene "
    "`doveadm fts rescan -u USER` and then `doveadm index -u USER '*'` take out words of mails that are gone",
)
_CYRUS = (
    Kept(
        "cyrus.expunged",
        "mails that Cyrus keeps after they were expunged (expunge_mode: delayed)",
        STAYS,
        "files stay until `cyr_expire -X` runs; `unexpunge -l MAILBOX` lists them",
    ),
    Kept("cyrus.cache", "headers in cyrus.cache", STAYS, "they go when `cyr_expire` writes the cache anew"),
    Kept("cyrus.full_text", "words in the squatter index", UNKNOWN, "`squatter -F` writes it anew without what was expunged"),
    Kept("cyrus.replicas", "replicas (sync_client) and backups (backupd)", UNKNOWN, "`sync_log` and `backup` in imapd.conf tell", "C2"),
)
_EXCHANGE = (
    Kept(
        "exchange.recoverable",
        "Recoverable Items of Exchange",
        STAYS,
        "14 days where nobody set another period, 30 at most (RetainDeletedItemsFor); single item recovery keeps them against purging",
    ),
    Kept(
        "exchange.holds",
        "mailboxes on hold, retention policies and archives of Exchange",
        UNKNOWN,
        "a hold keeps purged and changed mails without end; `Get-Mailbox USER | Format-List *Hold*, *Archive*, *Retain*` tells",
    ),
    Kept("exchange.journal", "journal rules of Exchange", UNKNOWN, "`Get-JournalRule` tells; they copied the mail when it came", "C2"),
)
_GMAIL = (
    Kept("gmail.trash", "Trash and Spam of Gmail", STAYS, "30 days, unless somebody empties them; IMAP takes away labels only"),
    Kept("gmail.vault", "holds and retention rules of Google Vault", UNKNOWN, "an administrator sees them in Vault; they keep what users delete"),
)
_ZIMBRA = (
    Kept(
        "zimbra.dumpster", "dumpster of Zimbra", UNKNOWN, "`zmprov gc COS zimbraDumpsterEnabled zimbraMailDumpsterLifetime` tells; 30 days by default"
    ),
    Kept("zimbra.full_text", "words in Zimbra's search index", UNKNOWN, "`zmprov reindexMailbox USER start` writes it anew"),
    Kept("zimbra.redo", "redo log of Zimbra", STAYS, "it keeps deliveries until the next full backup", "C2"),
)
_COURIER = (
    Kept(
        "courier.trash", "Courier's Trash folder", UNKNOWN, "it is searched like any folder; `IMAP_EMPTYTRASH` says after how many days it is emptied"
    ),
)
_ANY_SERVER = (
    Kept(
        "mail.storage", "the mail server's own index, search and storage files", UNKNOWN, "what this server keeps of expunged mails is not known here"
    ),
)

_EVERYWHERE = (
    Kept(
        "mail.journal",
        "journals, archives and data-loss filters",
        ELSEWHERE,
        "they copied mail when it came; ask who runs the server for their rules",
        "C2",
    ),
    Kept(
        "mail.copies",
        "Sieve and forwarding copies, lists, accounts of senders and other recipients",
        ELSEWHERE,
        "rules of the account show where mail went; accounts that are systems here are searched",
        "C2",
    ),
    Kept(
        "mail.clients", "mail programs and telephones (OST, Thunderbird, caches)", ELSEWHERE, "they drop it when they next synchronise, if ever", "C2"
    ),
    Kept("mail.logs", "logs, queues and quarantine of the mail server", ELSEWHERE, "they hold addresses and subjects until they rotate", "C2"),
)
_BLOCKS = Kept("mail.free_blocks", "freed blocks of the disk", ELSEWHERE, "the file system overwrites them when it needs them")

_BY_PRODUCT = {"Cyrus": _CYRUS, "Zimbra": _ZIMBRA, "Courier": _COURIER}


def of_server(nature: ServerNature, *, has_words: bool) -> Iterator[Kept]:
    """What this server keeps, as far as its kind is known. `has_words`: it announces a search server."""
    if nature.is_gmail:
        yield from _GMAIL
    elif nature.is_exchange:
        yield from _EXCHANGE
    elif nature.product == "Dovecot":
        yield from _DOVECOT
        yield _FULL_TEXT if has_words else _NO_FULL_TEXT
    else:
        yield from _BY_PRODUCT.get(nature.product, _ANY_SERVER)
    yield _BLOCKS
    yield from _EVERYWHERE


def of_disk() -> Iterator[Kept]:
    """What outlives mail in files, beside what is found among them."""
    yield Kept(
        "mail.index_elsewhere",
        "indexes that a mail server or a mail program keeps elsewhere",
        UNKNOWN,
        "the files do not tell; `doveconf -n mail_location` names Dovecot's (INDEX=, CONTROL=)",
    )
    yield _BLOCKS
    yield from _EVERYWHERE
