"""The words of a commit and of a pull request: what was done and why, where, what is left. Never a value.

File names and notes come from the repository: they are put on one line, escaped, and cut where there are too many.
"""

import re
from collections.abc import Iterator, Sequence

from secretguard.git.complaints import readable
from secretguard.rewrite.delivery import Delivery
from secretguard.rewriting import ManualItem

CREDENTIAL_TRAILER = "Secretguard-Credential"
TREE_TRAILER = "Secretguard-Tree"
_MOST = 200
"""Files or manual items that are listed; a pull request takes 65,536 characters."""
_TRAILER = re.compile(r"([A-Za-z-]+): (\S+)")


def subject(delivery: Delivery) -> str:
    """Return the first line of the commit, which is the title of the pull request too."""
    return f"Read the {_line(delivery.title)[:60]} from the environment ({delivery.credential})"


def message(delivery: Delivery, tree: str) -> str:
    """Return the commit message; `tree` is the id of the tree it is for, by which we know our own commit again."""
    parts = [subject(delivery), _why(delivery), *_lists(delivery, bullet="- ", code="")]
    parts.append(f"{CREDENTIAL_TRAILER}: {delivery.credential}\n{TREE_TRAILER}: {tree}")
    return "\n\n".join(parts) + "\n"


def body(delivery: Delivery) -> str:
    """Return the text of the pull request, in Markdown."""
    parts = [_why(delivery, code="`")]
    if delivery.status:
        parts.append("**Rotation**\n\n" + "\n".join(f"- {_plain(line)}" for line in delivery.status))
    parts += _lists(delivery, bullet="- ", code="`")
    parts.append("**Checklist**\n\n" + "\n".join(f"- [{mark}] {text}" for mark, text in _checklist(delivery)))
    return "\n\n".join(parts) + "\n"


def with_ticks(text: str, before: str) -> str:
    """Return `text` with those items of its checklist ticked off that are in `before`."""
    ticked = {line[6:] for line in before.splitlines() if line.lower().startswith("- [x] ")}
    lines = (f"- [x] {line[6:]}" if line[:6] == "- [ ] " and line[6:] in ticked else line for line in text.split("\n"))
    return "\n".join(lines)


def trailers(text: str) -> dict[str, str]:
    """Return the trailers of a commit message: the `Key: word` lines of its last paragraph."""
    last = text.rstrip().rpartition("\n\n")[2]
    return {found[1]: found[2] for line in last.splitlines() if (found := _TRAILER.fullmatch(line))}


def _why(delivery: Delivery, code: str = "") -> str:
    name = f"{code}{delivery.credential}{code}"
    dead = (
        "Its old value was seen to be refused everywhere."
        if delivery.old_is_dead
        else "Its old value is NOT proven dead: whoever has it may still get in."
    )
    return (
        f"The value of the {_plain(delivery.title)} {name} stood in the code, and so in every clone of it.\n{dead}\n"
        "It is read from the environment now. The old value stays in the history."
    )


def _lists(delivery: Delivery, *, bullet: str, code: str) -> Iterator[str]:
    strong = "**" if code else ""
    if delivery.variables:
        named = [f"{_code(one.name, code)} from {_code(str(one.reference), code)}" for one in delivery.variables]
        yield _section(f"{strong}Variables{strong}", named, bullet)
    if delivery.changes:
        files = [_code(one.path, code) + _what(one.before, one.after) for one in delivery.changes]
        yield _section(f"{strong}Files{strong}", files, bullet)
    if delivery.manual:
        items = [_manual(one, code) for one in delivery.manual]
        yield _section(f"{strong}Left to do by hand{strong}", items, bullet)


def _section(heading: str, lines: Sequence[str], bullet: str) -> str:
    more = [f"{len(lines) - _MOST} more"] if len(lines) > _MOST else []
    return f"{heading}\n\n" + "\n".join(bullet + line for line in [*lines[:_MOST], *more])


def _what(before: bytes | None, after: bytes | None) -> str:
    if before is None:
        return " (new)"
    return " (taken out of git)" if after is None else ""


def _manual(item: ManualItem, code: str) -> str:
    said = _plain if code else _line
    return f"{_code(f'{item.path}:{item.line}', code)}: {said(item.reason)}. {said(item.advice)}"


def _checklist(delivery: Delivery) -> Iterator[tuple[str, str]]:
    yield ("x" if delivery.old_is_dead else " "), "The old value is proven dead."
    for one in delivery.variables:
        yield " ", f"{_code(one.name, '`')} is set wherever this runs (deployment, CI, developers)."
    if delivery.manual:
        yield " ", f"The {len(delivery.manual)} places above are done by hand."
    yield " ", "Every service was started with the new value."


def _code(text: str, mark: str) -> str:
    """Return `text` on one line; in Markdown as code, in which nothing is a link, a mention or a tag."""
    shown = _line(text)
    return f"{mark}{shown.replace('`', chr(39))}{mark}" if mark else shown


def _plain(text: str) -> str:
    """Return `text` on one line of Markdown, without links, mentions and tags."""
    return re.sub(r"([\\`*_<>\[\]@#|])", r"\\\1", _line(text)).replace("\\@", "@\u200b")


def _line(text: str) -> str:
    return readable(" ".join(text.split()))
