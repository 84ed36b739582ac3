"""Names and kinds of files that people bring: made harmless, and compared with what is in them."""

import mimetypes
import unicodedata

from crm_admin.errors import Invalid, Problem
from crm_admin.i18n import N_

LONGEST_NAME = 150
#: How many of a file's first bytes tell its kind.
HEAD = 4_096

_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_OLE = (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",)
_TIFF = (b"II*\x00", b"MM\x00*")
#: How files of these endings begin; endings not named here may hold anything but programs.
_BEGINNINGS: dict[str, tuple[bytes, ...]] = {
    "pdf": (b"%PDF-",),
    "png": (b"\x89PNG\r\n\x1a\n",),
    "jpg": (b"\xff\xd8\xff",),
    "jpeg": (b"\xff\xd8\xff",),
    "gif": (b"GIF87a", b"GIF89a"),
    "webp": (b"RIFF",),
    "bmp": (b"BM",),
    "tif": _TIFF,
    "tiff": _TIFF,
    **dict.fromkeys(("zip", "docx", "xlsx", "pptx", "odt", "ods", "odp"), _ZIP),
    **dict.fromkeys(("doc", "xls", "ppt", "msg", "wps", "et", "dps"), _OLE),
    "rar": (b"Rar!\x1a\x07",),
    "7z": (b"7z\xbc\xaf\x27\x1c",),
    "gz": (b"\x1f\x8b",),
}
_PROGRAMS = (b"MZ", b"\x7fELF", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe")
#: What Windows does not allow in a name, or takes for a device.
_FORBIDDEN = str.maketrans(dict.fromkeys('<>:"|?*', "_"))
_DEVICES = {"con", "prn", "aux", "nul", *(f"{d}{n}" for d in ("com", "lpt") for n in range(1, 10))}
#: Marks that are no text: controls, invisible and direction marks, line ends, half characters.
_UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def cleaned(name: str) -> str:
    """Return a name that is safe to show and to save under on every system.

    Folders, control characters and marks that turn text around go; Chinese stays; of a name that
    is too long the ending is kept.
    """
    text = unicodedata.normalize("NFC", name).replace("\\", "/").rpartition("/")[2]
    text = "".join(c for c in text if unicodedata.category(c) not in _UNSEEN)
    text = " ".join(text.translate(_FORBIDDEN).split()).strip(". ")
    if text.partition(".")[0].strip().lower() in _DEVICES:
        text = f"_{text}"
    if len(text) > LONGEST_NAME:
        stem, dot, ending = text.rpartition(".")
        room = LONGEST_NAME - len(ending) - 1
        text = f"{stem[:room]}{dot}{ending}" if stem and room > 0 else text[:LONGEST_NAME]
    return text or "file"


def ending(name: str) -> str:
    """Return what follows a name's last dot, in small letters."""
    return name.rpartition(".")[2].lower() if "." in name else ""


def media_type(name: str) -> str:
    """Return the media type that a name's ending stands for."""
    return mimetypes.guess_type(name)[0] or "application/octet-stream"


def check(name: str, head: bytes) -> None:
    """Refuse a file whose first bytes are not of the kind its name says, and programs.

    Raises:
        Invalid: it is empty, of another kind than its name says, or a program.
    """
    if not head:
        raise Invalid([Problem("file", N_("The file %(name)s is empty."), {"name": name})])
    wanted = _BEGINNINGS.get(ending(name))
    if wanted is not None and not _begins(head, ending(name), wanted):
        message = N_("The content of %(name)s is not what its ending says.")
        raise Invalid([Problem("file", message, {"name": name})])
    if wanted is None and head.startswith(_PROGRAMS) and b"\x00" in head:
        message = N_("%(name)s is a program; programs cannot be attached.")
        raise Invalid([Problem("file", message, {"name": name})])


def _begins(head: bytes, kind: str, wanted: tuple[bytes, ...]) -> bool:
    if kind == "pdf":
        return wanted[0] in head[:1024]  # some writers put a few bytes before it
    return head.startswith(wanted) and (kind != "webp" or head[8:12] == b"WEBP")
