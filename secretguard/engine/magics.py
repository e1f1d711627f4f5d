"""By their first bytes: which files are archives or compressed, without what opens them."""

MAGICS = ((b"PK\x03\x04", "zip"), (b"\x1f\x8b\x08", "gzip"), (b"BZh", "bzip2"), (b"\xfd7zXZ\x00", "xz"))


def container_kind(data: bytes | bytearray) -> str:
    """Return the kind of container that `data` begins as, empty if it is none that we open."""
    if data[257:262] == b"ustar":
        return "tar"
    return next((kind for magic, kind in MAGICS if data.startswith(magic)), "")
