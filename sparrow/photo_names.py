"""What the name of a file says: a photo, something else, or a file that the system keeps.

The only list of each. A name is a hint: ``sparrow.image_formats`` looks at the content.
"""

from __future__ import annotations

from pathlib import PurePath

# Each is read by ``sparrow.images``. MPO is the JPEG of stereo cameras, HIF a camera's HEIF.
PHOTO_SUFFIXES = (
    ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".webp", ".heic", ".heif", ".hif", ".avif",
    ".tif", ".tiff", ".bmp", ".gif",
)  # fmt: skip

_RAW = (
    ".3fr .ari .arw .cr2 .cr3 .crw .dcr .dng .erf .fff .gpr .iiq .k25 .kdc .mef .mos .mrw .nef "
    ".nrw .orf .ori .pef .raf .raw .rw2 .rwl .sr2 .srf .srw .x3f"
)
_VIDEO = (
    ".3g2 .3gp .asf .avi .flv .insv .lrv .m2ts .m4v .mkv .mov .mp4 .mpeg .mpg .mts .ogv .webm .wmv"
)
_SOUND = ".aac .aif .aiff .flac .m4a .mp3 .oga .ogg .opus .wav .wma"
_PICTURES = ".ai .dcm .eps .exr .fits .hdr .icns .ico .j2k .jp2 .jxl .jxr .ppm .psd .svg .tga .xcf"
_DOCUMENTS = (
    ".doc .docx .htm .html .log .md .odt .ppt .pptx .rtf .txt .cfg .conf .ini .toml .yaml .yml "
    ".aae .dop .pp3 .xmp"  # the last four lie beside photos: edits and notes
)
_TABLES = ".csv .json .jsonl .ods .parquet .tsv .xls .xlsx .xml .gpx .kml .db .sqlite"
_ARCHIVES = ".7z .bz2 .gz .rar .tar .tgz .xz .zip"
_PROGRAMS = ".bat .com .dll .exe .js .jar .lnk .msi .py .sh .so .url"
# Their content may be a whole photo, which must not be counted a second time.
_COPIES = ".!sync .bak .crdownload .filepart .jpg_original .old .orig .part .partial .thm .tmp"
COPIES = "a preview, a backup copy or an unfinished download"
RAW_SUFFIXES = frozenset(_RAW.split())
OTHER_KINDS: dict[str, str] = {
    ".pdf": "a PDF",
    **dict.fromkeys(_RAW.split(), "a RAW photo: export it as JPEG, HEIC, PNG or TIFF"),
    **dict.fromkeys(_VIDEO.split(), "a video"),
    **dict.fromkeys(_SOUND.split(), "a sound file"),
    **dict.fromkeys(_PICTURES.split(), "a picture of a format that is not read"),
    **dict.fromkeys(_DOCUMENTS.split(), "text or notes"),
    **dict.fromkeys(_TABLES.split(), "a table or a data file"),
    **dict.fromkeys(_COPIES.split(), COPIES),
    **dict.fromkeys(_ARCHIVES.split(), "an archive: unpack it"),
    **dict.fromkeys(_PROGRAMS.split(), "a program or a link"),
}

# Kept by macOS, Windows, Linux, NAS boxes, Picasa and Lightroom: thumbnails, deleted photos, notes.
SYSTEM_FILES = frozenset({
    ".ds_store", ".localized", ".nomedia", ".picasa.ini", ".volumeicon.icns", "desktop.ini",
    "ehthumbs.db", "ehthumbs_vista.db", "icon\r", "picasa.ini", "synoindex_media_info",
    "thumbs.db", "zbthumbnail.info",
})  # fmt: skip
SYSTEM_FOLDERS = frozenset({
    "$recycle.bin", "recycler", "recycled", "system volume information", "found.000",
    "lost+found", "__macosx", "@eadir", "@recycle", "@recently-snapshot", "@tmp", "#recycle",
    "#snapshot", ".@__thumb", ".appledb", ".appledesktop", ".appledouble",
    ".documentrevisions-v100", ".fseventsd", ".picasaoriginals", ".snapshot", ".snapshots",
    ".spotlight-v100", ".temporaryitems", ".thumbnails", ".thumb", ".thumbs", ".xvpics",
    ".git", ".svn", ".hg", "network trash folder", "temporary items",
})  # fmt: skip
_SYSTEM_BEGINNINGS = ("._", ".trash", ".nfs", ".fuse_hidden", "~$")


def has_photo_suffix(name: str | PurePath) -> bool:
    """Whether the name ends as a photo's; case does not matter."""
    return PurePath(name).suffix.lower() in PHOTO_SUFFIXES


def other_kind(name: str | PurePath) -> str | None:
    """What a file is by its suffix, if that is of no photo: ``a video``; None where unknown."""
    suffix = PurePath(name).suffix.lower()
    return COPIES if suffix.endswith(("~", "_original")) else OTHER_KINDS.get(suffix)


def is_system_name(name: str) -> bool:
    """Whether the last part of a path is a system's own file or folder, which holds no photo."""
    folded = name.casefold()
    known = folded in SYSTEM_FILES or folded in SYSTEM_FOLDERS
    return known or folded.startswith(_SYSTEM_BEGINNINGS)


def is_system_path(path: PurePath) -> bool:
    """Whether a path, taken below the folder that a person named, leads to or through one."""
    return any(is_system_name(part) for part in path.parts)
