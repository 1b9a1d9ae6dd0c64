"""The words in which places in a PDF are named, for the child that finds them and the engine that believes only these words.

A key of a dictionary is in a place only if it is one of the PDF specification's own; any other could be somebody's name, and is numbered.
"""

import re

#: Keys of ISO 32000-2, and of the Info dictionary, under which text strings are or that lead to them.
_KEYS = frozenset(
    """
    A AA AC AF AFRelationship AN AP AS AcroForm ActualText Alt Alternates Annots Ascent Author B BC BG BM Base BaseFont Border Btn C CA CF
    CL CO Cap Category Cert Changes CharProcs Collection ColorSpace Comment Company ContactInfo Content Contents CreationDate Creator
    CropBox D DA DC DOS DP DR DS DV DW Data DecodeParms Desc DescendantFonts Description Design Dest Dests Differences Doc Document Domain
    Dur E EF ESign EmbeddedFiles Encoding Event ExData Export ExtGState F FB FD FDF FL FS FT Ff Fields Filter Filters First Flags Font
    FontDescriptor FontFamily FontName FormType Formats FullName FullScreen Functions G GoTo Group H I ID IDS IDTree IF IM IRT IT IX Info
    Initials IsMap Issuer JS JavaScript K KSI Key Keywords Kids L LE LI LS Lang Last LastModified Launch Length Limits Link Location Lock M
    MCID MK Mac MarkInfo MarkStyle MaxLen Measure MediaBox Metadata MixingHints ModDate N NM NS NU Name Named Names Namespace Namespaces
    Next Nums O OB OC OCGs OCMD OCProperties OP OS Obj Off On Open OpenAction OpenType Opi Opt Order Org Outlines OutputCondition
    OutputConditionIdentifier OutputIntents Outputs P PA PC PI PO PS PV Page PageLabel PageLabels Pages Params Parent ParentTree Pattern
    Perms PieceInfo Pieces Placement Popup Prefs Prev Private ProcSet Process Producer Prop_AuthTime Prop_AuthType Prop_Build Properties R
    RC RD RF RI RT RV Range Reason Rect Ref Reference References Registry RegistryName Rename Renditions Requirements Resources Role RoleMap
    Root Rows S SI SMask SP SS ST SV Schema Scripts Settings Shading Sig Sigs Sort Sound SourceModified SpiderInfo State StateModel Stm StmF
    StrF StructTreeRoot Sub SubFilter Subj Subject Supplement T TA TB TI TK TM TP TU TargetEncoding Templates Text Thumb Title ToUnicode
    Trapped Type U UF UR UR3 URI URIS URLS Unix Usage User V VE VP Value Values Version ViewerPreferences Volume W WC WP WS Widget Widths
    XFA XHeight XObject Xsquare
    """.split()  # noqa: SIM905  # a list of two hundred quoted words reads worse
)
_STEP = re.compile(r"\d{1,9}|key:\d{1,9}")
#: What a place begins with: the kind of thing, and its number in the file (pages by their order).
KINDS = frozenset({"page", "content", "object", "orphan", "file", "stream"})
VIEWS = frozenset({"text", "lines", "meant", "unwrapped", "seen", "names"})


def step_of(key: str, position: int) -> str:
    """The word for a key of a dictionary, in which it is at this position."""
    plain = key.lstrip("/")
    return plain if plain in _KEYS else f"key:{position}"


def is_known(key: str) -> bool:
    """True for a key or name that the specification gives."""
    return key.lstrip("/") in _KEYS


def is_path(path: str) -> bool:
    """True if every step is a word of the specification or a number."""
    return len(path) < 500 and all(step in _KEYS or step in VIEWS or _STEP.fullmatch(step) for step in path.split("/"))
