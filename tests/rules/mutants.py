"""Wrong versions of a rule's pattern, one change each: what a slip of the hand would make of it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from string import ascii_lowercase, ascii_uppercase, digits

from secretguard.model import Rule

_TOKEN = re.compile(
    r"""(?P<open>\((?:\?(?:P<(?P<name>\w+)>|[a-z]*:|[a-z]+\)))?) | (?P<close>\)) | (?P<bar>\|)
      | (?P<class>\[\^?\]?(?:\\.|[^\]\\])*\]) | (?P<repeat>\{(?P<low>\d+)(?:,(?P<high>\d+))?\}\??) | (?P<maybe>\?)
      | (?P<escape>\\[dwsbDWSB]) | (?P<edge>[\^$.]) | (?P<literal>\\.|.)""",
    re.VERBOSE,
)
_MEMBER = re.compile(r"(?P<first>\\.|[^\\])(?:-(?P<last>\\.|[^\\]))?")
_ALPHABETS = (digits, ascii_lowercase, ascii_uppercase)
_SIGNS = "_-.+/~!@"
_IN_PLAIN = {"secret", "secret_percent", "secret_escaped"}
"""Groups that hold the secret as it was issued; base64 of it has the format of base64."""
_IN_PLACE = {"z": "y", "Z": "Y", "9": "8"}


@dataclass(frozen=True, slots=True)
class Piece:
    """One token of a pattern, and whether it stands in the part that is the secret."""

    kind: str
    text: str
    start: int
    end: int
    in_secret: bool


def mutants(rule: Rule) -> Iterator[tuple[str, Rule]]:
    """Yield a name and the changed rule, for every fact of the format that the rule states.

    Facts are, in the part of the pattern that is the secret (the group for it, or all of a token's pattern):

    - how often a class of characters or a group is repeated: each bound one up and one down;
    - which characters a class holds: each range or character left out, and the nearest foreign ones let in;

    and everywhere in the pattern every literal character. Of rules that end in such a repeat also `after` is left
    out, of those that begin with one `before`.

    Not facts, and left alone: negated classes (all that can stand between two quotes) and their bounds, blanks, and
    widths outside of the secret, of names, users and hosts: they only keep the pattern bounded. A generic rule states
    no format at all: what it takes is for the engine's judgement to decide; only its literals are changed.
    """
    pieces = list(_pieces(rule))
    for number, piece in enumerate(pieces):
        for changed in _changes(pieces, number):
            pattern = rule.pattern[: piece.start] + changed + rule.pattern[piece.end :]
            if pattern != rule.pattern and _compiles(pattern):
                yield f"{piece.text} -> {changed or 'nothing'} at {piece.start}", rule._replace(pattern=pattern)
    ends = [piece for piece in pieces if piece.kind not in ("open", "close")]
    if rule.after and ends and ends[-1].kind == "repeat" and ends[-1].in_secret:
        yield "without `after`", rule._replace(after="")
    if rule.before and ends and ends[0].kind == "class" and ends[0].in_secret:
        yield "without `before`", rule._replace(before="")


def _pieces(rule: Rule) -> Iterator[Piece]:
    """Take the pattern apart; forms other than these find the secret elsewhere than in their pattern."""
    states_format = not rule.generic and rule.form in ("token", "lines")
    by_itself = states_format and not re.search(r"\(\?P<(?:secret|login)", rule.pattern)
    groups: list[str] = []
    for match in _TOKEN.finditer(rule.pattern):
        kind = next(
            name
            for name in ("open", "close", "bar", "class", "repeat", "maybe", "escape", "edge", "literal")
            if match[name]
        )
        if kind == "open" and not match["open"].endswith(")"):
            groups.append(match["name"] or "")
        in_secret = by_itself or (states_format and not _IN_PLAIN.isdisjoint(groups))
        if kind == "close" and groups:
            groups.pop()
        yield Piece(kind, match[0], match.start(), match.end(), in_secret)


def _changes(pieces: list[Piece], number: int) -> Iterator[str]:
    piece = pieces[number]
    if piece.kind == "literal" and (piece.text.isalnum() or piece.in_secret):
        yield _IN_PLACE.get(piece.text, chr(ord(piece.text) + 1)) if piece.text.isalnum() else "x"
    elif piece.kind == "class" and piece.in_secret and _is_alphabet(piece.text):
        yield from _other_classes(piece.text)
    elif piece.kind == "repeat" and piece.in_secret and _is_counted(pieces[number - 1]):
        yield from _other_bounds(piece.text)


def _is_alphabet(text: str) -> bool:
    return not text.startswith("[^") and not text.startswith(r"[ \t") and len(_members(text)) > 0


def _is_counted(repeated: Piece) -> bool:
    return repeated.kind in ("close", "literal") or (repeated.kind == "class" and _is_alphabet(repeated.text))


def _other_bounds(text: str) -> Iterator[str]:
    low, _, high = text.strip("{}?").partition(",")
    least, most = int(low), int(high or low)
    if not high:
        yield from (f"{{{least - 1}}}", f"{{{least + 1}}}")
        return
    bounds = ((least - 1, most), (least + 1, most), (least, most - 1), (least, most + 1))
    yield from (f"{{{a},{b}}}" for a, b in bounds if 0 <= a <= b)


def _members(text: str) -> list[str]:
    return [match[0] for match in _MEMBER.finditer(text[1:-1])]


def _other_classes(text: str) -> Iterator[str]:
    members = _members(text)
    if len(members) > 1:
        yield from (f"[{''.join(members[:at] + members[at + 1 :])}]" for at in range(len(members)))
    accepted = re.compile(text)
    is_one_letter = len({member.lower() for member in members}) == 1  # [Dd]
    if not is_one_letter and (foreign := _nearest_foreign(accepted)):
        yield f"[{foreign}{text[1:-1]}]"


def _nearest_foreign(accepted: re.Pattern[str]) -> str:
    """Return the rest of an alphabet that the class holds a part of, else an alphabet or sign that it lacks."""
    missing = ["".join(c for c in alphabet if not accepted.match(c)) for alphabet in _ALPHABETS]
    parts = [left for left, alphabet in zip(missing, _ALPHABETS, strict=True) if 0 < len(left) < len(alphabet)]
    signs = [re.escape(sign) for sign in _SIGNS if not accepted.match(sign)]
    return next(iter([*parts, *filter(None, missing), *signs]), "")


def _compiles(pattern: str) -> bool:
    try:
        re.compile(pattern.encode())
    except re.error:
        return False
    return True
