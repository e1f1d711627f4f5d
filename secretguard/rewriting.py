"""The words of rewriting: what a file is, where a secret stands in it, what can be done there. Data only.

Positions are characters of a document's text, counted from 0, as Python and ast-grep count them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace

from secretguard.reference import SecretReference
from secretguard.rotation import Spelling
from secretguard.secret import Secret


@dataclass(frozen=True, slots=True)
class Document:
    """One file of a commit as text, which goes back to the same bytes."""

    path: str
    """Relative to the repository, with `/`."""
    text: str = field(repr=False)
    """Without the byte order mark; line ends as they stand."""
    encoding: str = "utf-8"
    """The codec that writes it; `latin-1` where bytes are no text of any encoding."""
    mark: bytes = b""
    """The byte order mark."""

    @property
    def name(self) -> str:
        """The last segment of the path."""
        return self.path.rpartition("/")[2]

    @property
    def newline(self) -> str:
        """How its first line ends."""
        at = self.text.find("\n")
        return "\r\n" if at > 0 and self.text[at - 1] == "\r" else "\n"

    def line(self, position: int) -> int:
        """Return the line, from 1, of a position."""
        return self.text.count("\n", 0, position) + 1


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The other files of the commit: what a rewriter may ask about them."""

    paths: Collection[str]
    read: Callable[[str], str | None]
    """The text of a file by its path, U+FFFD for bytes that are no text; None if it is a link, binary or not there."""


@dataclass(frozen=True, slots=True)
class Spot:
    """Where the secret stands in a document."""

    start: int
    end: int
    """As narrow as the value as it is written there; as wide as the encoded run, where it is encoded."""
    form: str
    """What the scan took it for: uri, jdbc, keyword, ado, split, token …; `bare` where only the value was found."""
    text: Secret
    """The whole match, decoded."""
    secret: Secret
    """The sensitive part alone, decoded."""
    user: str = ""
    encoding: tuple[str, ...] = ()
    """How it is wrapped, the outermost first: base64, percent …; empty if it stands as it is."""


NAME, LOWER_NAME, REFERENCE, AWS_REFERENCE = "\ue000", "\ue001", "\ue002", "\ue003"
"""In the text of a site: where the variable's name goes, the same in lower case, its reference, and the reference as
AWS resolves it itself (`{{resolve:secretsmanager:…}}`): a place for that is left to a person if the value is not there.
"""
KEY_ID, USER = "key-id", "user"
"""Forms of a spot that is the public half of the credential: the id of a key, or the user in a setting of its own."""
MARKS = (NAME, LOWER_NAME, REFERENCE, AWS_REFERENCE)


@dataclass(frozen=True, slots=True)
class Lookup:
    """A read of a variable whose fallback, or assigned default, a secret is: another variable takes only its place."""

    name: str
    """The variable that is looked up."""
    start: int
    end: int
    """What is replaced where the value gets a variable of another name."""
    text: str
    """What goes there then, with the marks above; empty: a person has to do it."""


@dataclass(frozen=True, slots=True)
class Site:
    """A place that can be edited, and the text that goes there."""

    start: int
    end: int
    """What the edit replaces."""
    text: str
    """What goes there, with the marks above: `os.environ["NAME"]`."""
    spelling: Spelling
    """What the application gets there today, and so what the variable has to hold, with the new login."""
    names: tuple[str, ...] = ()
    """Names of environment variables that this place uses for it already, the best first."""
    defines: str = ""
    """The variable that this place itself sets, where it is a line of a `.env` file: it keeps its name."""
    lookup: Lookup | None = None
    """The lookup that the edit takes away, which has to stay if another variable is chosen."""
    unless: frozenset[str] = frozenset()
    """Names of the variable with which the edit is not needed: what it declares is declared already."""
    is_placeholder: bool = False
    """Whether nobody runs it (comment, documentation, recorded output): a word that says what stood there."""

    def called(self, name: str) -> Site | None:
        """Return the site if the variable gets this name; None if a person has to do it then."""
        kept = self.lookup
        if kept is None or kept.name == name:
            return self
        return replace(self, start=kept.start, end=kept.end, text=kept.text, lookup=None) if kept.text else None


def placeholder(spot: Spot) -> Site:
    """Return the site of a spot that nobody runs: a password becomes `<password>`, a key `<OPENAI_API_KEY>`.

    The user of a login stays as it is.
    """
    if spot.form in (KEY_ID, USER):
        word = "<access-key-id>" if spot.form == KEY_ID else spot.user  # a name is no secret
        return Site(spot.start, spot.end, word, Spelling(USER, spot.secret), is_placeholder=True)
    word = "<password>" if spot.user or spot.form not in ("token", "assign", "bare") else f"<{NAME}>"
    return Site(spot.start, spot.end, word, Spelling("password", spot.secret), is_placeholder=True)


@dataclass(frozen=True, slots=True)
class ManualItem:
    """A place that has no safe idiom, and what a person has to do there."""

    path: str
    line: int
    reason: str
    """Why it is left: `a Rust const takes no call`."""
    advice: str
    """What to do."""


@dataclass(frozen=True, slots=True)
class Variable:
    """The environment variable that holds one spelling of the credential, and where its value comes from."""

    name: str
    reference: SecretReference


@dataclass(frozen=True, slots=True)
class Edit:
    """These characters become that text."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class FileChange:
    """One file of the commit that is delivered."""

    path: str
    before: bytes | None = field(repr=False)
    """None: it is new."""
    after: bytes | None = field(repr=False)
    """None: it is taken out of git."""
    mode: str = "100644"
    """Of a new file, as git writes it; one that is there keeps its own."""
