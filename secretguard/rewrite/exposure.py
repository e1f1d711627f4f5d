"""The last look at what leaves: neither value is in it. An error names the place, never the value."""

from collections.abc import Iterator

from secretguard.errors import RewriteError
from secretguard.git.complaints import readable
from secretguard.rewrite import wording
from secretguard.rewrite.changed_lines import place_of_value
from secretguard.rewrite.commit import Commit
from secretguard.rewrite.delivery import Delivery
from secretguard.rewrite.sightings import Sought, sought
from secretguard.rewriting import FileChange

_HINT = "Nothing was delivered. Take the value out there by hand, or leave the file out, and run the command again."


def check(delivery: Delivery, commit: Commit) -> None:
    """Raise RewriteError if a value is in what leaves.

    The old value may stand on lines that are removed or stay; the new one nowhere.
    """
    if place := _first_place(delivery, commit):
        raise RewriteError(place, hint=_HINT)


def _first_place(delivery: Delivery, commit: Commit) -> str:
    """Return where a value is, in words; empty if it is nowhere."""
    values = {"old": sought(delivery.old)} | ({"new": sought(delivery.new)} if delivery.new else {})
    for number, change in enumerate(delivery.changes, 1):
        if any(value.count(_bytes(change.path)) for value in values.values()):
            return f"the name of file {number} of those that change holds the value"
        for age, value in values.items():
            if where := _in_change(value, change, anywhere=age == "new"):
                return f"the {age} value is in {readable(change.path)}, {where}"
    new = values.get("new")
    if new and not new.is_word and new.count(commit.diff):
        return "the new value is in the difference"
    for what, text in _texts(delivery, commit):
        for age, value in values.items():
            if value.count(_bytes(text)):
                return f"the {age} value is in the {what}"
    return ""


def _texts(delivery: Delivery, commit: Commit) -> Iterator[tuple[str, str]]:
    yield "name of the branch", delivery.branch
    yield "commit message", commit.message
    yield "title of the pull request", wording.subject(delivery)
    yield "text of the pull request", wording.body(delivery)
    yield "name of the author", f"{commit.author.name} {commit.author.email}"


def masked(delivery: Delivery, diff: bytes) -> str:
    """Return a difference as it may be shown: the values masked on every line, binary content left out."""
    values = [sought(one) for one in delivery.values]
    return "\n".join(_masked_lines(diff.decode("utf-8", "surrogateescape").split("\n"), values))


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _in_change(value: Sought, change: FileChange, *, anywhere: bool) -> str:
    """Return in which added line the value is, or, `anywhere`, that it is in the file; empty if in none."""
    if place := place_of_value(value, change.before, change.after):
        return place
    if anywhere and not value.is_word and any(value.count(data or b"") for data in (change.before, change.after)):
        return "in a line that is removed or stays"
    return ""


def _masked_lines(lines: list[str], values: list[Sought]) -> Iterator[str]:
    is_binary = False
    for line in lines:
        if line.startswith("diff --git "):
            is_binary = False
        if is_binary:
            continue
        if line == "GIT binary patch":
            is_binary = True
            yield "(binary content)"
            continue
        mark, rest = (line[:1], line[1:]) if line[:1] in "+- " else ("", line)
        for value in values:
            rest = value.masked(rest)
        yield mark + rest
