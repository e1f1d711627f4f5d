"""Checksums that issuers build into their tokens: they raise or lower the confidence, they never drop."""

import base64
import binascii
import zlib
from collections.abc import Callable

_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_BASE36 = "0123456789abcdefghijklmnopqrstuvwxyz"
_BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


def checksum_holds(name: str, token: str) -> bool | None:
    """Return whether the checksum `name` holds for `token`; None if this variant carries none."""
    try:
        return _CHECKS[name](token)
    except (ValueError, binascii.Error, IndexError, UnicodeEncodeError):
        return None


def _crc32_base62(token: str) -> bool | None:
    """GitHub and npm: base62 CRC32 of the body in the last six characters.

    Source: https://github.blog/engineering/platform-security/behind-githubs-new-authentication-token-formats/
    """
    body = token.rpartition("_")[2]
    if len(body) not in (36, 59, 82):
        return None
    return _digits(zlib.crc32(body[:-6].encode("ascii")), _BASE62).rjust(6, "0") == body[-6:]


def _crc32_hex_le(token: str) -> bool | None:
    """Grafana service accounts: CRC32 of everything before the last underscore, little-endian hex."""
    body, _, check = token.rpartition("_")
    return zlib.crc32(body.encode("ascii")).to_bytes(4, "little").hex() == check


def _gitlab_routable(token: str) -> bool | None:
    """GitLab routable tokens end with a base36 length (2) and a base36 CRC32 (7) of all before."""
    if "." not in token or len(token) < 36:
        return None
    return _digits(zlib.crc32(token[:-7].encode("ascii")), _BASE36).rjust(7, "0") == token[-7:]


def _bech32(token: str) -> bool | None:
    """BIP 173, as age uses it for identities."""
    prefix, _, data = token.lower().rpartition("1")
    values = [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix] + [_BECH32.index(c) for c in data]
    checksum = 1
    for value in values:
        top = checksum >> 25
        checksum = (checksum & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            checksum ^= generator if top >> bit & 1 else 0
    return checksum == 1


def _nkey(token: str) -> bool | None:
    """NATS NKEY: base32 with a little-endian CRC-16/XMODEM at the end."""
    raw = base64.b32decode(token + "=" * (-len(token) % 8))
    return binascii.crc_hqx(raw[:-2], 0) == int.from_bytes(raw[-2:], "little")


def _crc32_base64(token: str) -> bool | None:
    """Confluent Cloud: the last six characters are the base64 CRC32 of all before."""
    return base64.b64encode(zlib.crc32(token[:-6].encode("ascii")).to_bytes(4, "big"))[:6].decode() == token[-6:]


def _digits(number: int, alphabet: str) -> str:
    text = ""
    while number:
        number, digit = divmod(number, len(alphabet))
        text = alphabet[digit] + text
    return text


_CHECKS: dict[str, Callable[[str], bool | None]] = {
    "crc32-base62": _crc32_base62,
    "crc32-hex-le": _crc32_hex_le,
    "gitlab-routable": _gitlab_routable,
    "bech32": _bech32,
    "nkey": _nkey,
    "crc32-base64": _crc32_base64,
}
