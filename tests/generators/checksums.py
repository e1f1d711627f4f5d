"""Checksums that vendors build into their tokens; each function puts the right one into a drawn value."""

import base64
import binascii
import random
import string
import zlib

_BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
_BASE36 = string.digits + string.ascii_lowercase
_BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


def in_base(number: int, alphabet: str, width: int) -> str:
    """Return `number` in the base of the alphabet, left padded with its zero."""
    text = ""
    while number:
        number, digit = divmod(number, len(alphabet))
        text = alphabet[digit] + text
    return text.rjust(width, alphabet[0])


def github(token: str) -> str:
    """Put base62(CRC-32 of the body) into the last six characters of `ghp_…` or `npm_…`."""
    prefix, body = token.split("_", 1)
    return f"{prefix}_{body[:-6]}{in_base(zlib.crc32(body[:-6].encode()), _BASE62, 6)}"


def github_fine_grained(token: str) -> str:
    """Put base62(CRC-32) into the last six of the 59 characters after the second underscore."""
    head, body = token.rsplit("_", 1)
    return f"{head}_{body[:-6]}{in_base(zlib.crc32(body[:-6].encode()), _BASE62, 6)}"


def gitlab_routable(token: str) -> str:
    """Put the payload's length (2, base36) and the CRC-32 of all before it (7, base36) at the end."""
    prefix, _, rest = token.partition("-")
    payload = rest.split(".", 1)[0]
    head = f"{prefix}-{rest[:-9]}{in_base(len(payload), _BASE36, 2)}"
    return head + in_base(zlib.crc32(head.encode()), _BASE36, 7)


def grafana(token: str) -> str:
    """Put the CRC-32 of everything before the last underscore there, as little-endian hex."""
    head, _ = token.rsplit("_", 1)
    return f"{head}_{zlib.crc32(head.encode()).to_bytes(4, 'little').hex()}"


def confluent(token: str) -> str:
    """Put the CRC-32 of the 54 middle characters, little-endian in base64, into the last six of `cflt…`."""
    checksum = zlib.crc32(token[4:58].encode()).to_bytes(4, "little")
    return token[:58] + base64.b64encode(checksum).decode().rstrip("=")


def age_key(rng: random.Random) -> str:
    """Return an age identity: upper-case bech32 of 32 random bytes."""
    prefix = "age-secret-key-"
    bits = int.from_bytes(rng.randbytes(32), "big") << 4
    data = [bits >> shift & 31 for shift in range(255, -1, -5)]
    expanded = [*(ord(char) >> 5 for char in prefix), 0, *(ord(char) & 31 for char in prefix)]
    polymod = bech32_polymod([*expanded, *data, 0, 0, 0, 0, 0, 0]) ^ 1
    checksum = [polymod >> 5 * (5 - i) & 31 for i in range(6)]
    return f"{prefix}1{''.join(_BECH32[value] for value in data + checksum)}".upper()


def bech32_polymod(values: list[int]) -> int:
    """Return the bech32 remainder (BIP 173) of five-bit values; 1 for a valid string."""
    generator = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
    remainder = 1
    for value in values:
        top = remainder >> 25
        remainder = (remainder & 0x1FFFFFF) << 5 ^ value
        for i, term in enumerate(generator):
            remainder ^= term if top >> i & 1 else 0
    return remainder


def nkey_seed(rng: random.Random, role: str) -> str:
    """Return a NATS seed, 58 base32 characters that start `S` and the role `U`, `A` or `O`."""
    letters = string.ascii_uppercase + "234567"
    seed, kind = letters.index("S") << 3, letters.index(role) << 3
    raw = bytes([seed | kind >> 5, (kind & 31) << 3]) + rng.randbytes(32)
    return base64.b32encode(raw + binascii.crc_hqx(raw, 0).to_bytes(2, "little")).decode().rstrip("=")
