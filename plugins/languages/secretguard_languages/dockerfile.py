"""Dockerfiles: a command reads the variable when it runs, and a build step gets it from a secret mount.

What ENV, ARG and LABEL say stays in the image, so it is left to a person. Instructions:
https://docs.docker.com/reference/dockerfile/.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from secretguard.rewriting import (
    LOWER_NAME,
    Document,
    Edit,
    ManualItem,
    Site,
    Spot,
    Surroundings,
    Variable,
    placeholder,
)
from secretguard_languages import shell_lines

_NAME = re.compile(r"(?:[\w.-]+[._-])?(?:docker|container)file(?:[._-][\w.-]+)?", re.IGNORECASE)
_WORD = re.compile(r"[ \t]*(?P<word>[A-Za-z]+)(?P<flags>(?:[ \t]+--[^\s]+)*)[ \t]+")
_ESCAPE = re.compile(r"\s*#\s*escape\s*=\s*`", re.IGNORECASE)
_HEREDOC = re.compile(r"<<-?[\"']?[A-Za-z_]")
_COMMENT_INSIDE = re.compile(r"^[ \t]*#[^\n]*", re.MULTILINE)
_MOUNTED = f"$(cat /run/secrets/{LOWER_NAME})"
_STAYS = (
    "what {} says stays in the image",
    "Give it to the container when it starts (`docker run -e`), or to a build step with `--mount=type=secret`.",
)
_AT_BUILD = (
    "the build needs the secrets that it mounts",
    "Build with `--secret id=name_in_lower_case,env=NAME` for each; BuildKit is needed.",
)
_AT_START = ("the container needs the variables that its command reads", "Start it with `-e NAME` for each.")


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction, over all its lines."""

    word: str
    """In capitals; empty for a comment."""
    start: int
    body: int
    """Where what follows the word and its flags begins."""
    end: int


def claims(document: Document) -> int:
    """See `secretguard.interfaces.Rewriter`."""
    return 2 * int(_NAME.fullmatch(document.name) is not None)


def survey(document: Document, spots: Sequence[Spot], _: Surroundings) -> Sequence[Site | ManualItem]:
    """See `secretguard.interfaces.Rewriter`."""
    instructions = list(read_instructions(document.text))
    found: list[Site | ManualItem] = []
    needs: dict[tuple[str, str], int] = {}
    for spot in spots:
        if any(isinstance(one, Site) and one.start <= spot.start and spot.end <= one.end for one in found):
            continue
        one, need = _at(document, spot, instructions)
        found.append(one)
        if need and isinstance(one, Site) and not one.is_placeholder:
            needs.setdefault(need, document.line(spot.start))
    return [*found, *(ManualItem(document.path, line, *need) for need, line in needs.items())]


def additions(document: Document, chosen: Sequence[tuple[Site, Variable]]) -> Sequence[Edit]:
    """See `secretguard.interfaces.Rewriter`: each build step mounts what its command reads."""
    instructions = list(read_instructions(document.text))
    mounts: dict[int, list[str]] = {}
    for site, variable in chosen:
        step = _holding(instructions, site.start, site.end)
        if step is not None and step.word == "RUN":
            at = document.text.upper().index("RUN", step.start) + len("RUN")
            mount = f" --mount=type=secret,id={variable.name.lower()},required=true"
            if mount not in mounts.setdefault(at, []):
                mounts[at].append(mount)
    return [Edit(at, at, "".join(texts)) for at, texts in mounts.items()]


def fault(before: Document, after: Document) -> str:
    """See `secretguard.interfaces.Rewriter`: the same instructions in the same order."""
    words = [[one.word for one in read_instructions(text)] for text in (before.text, after.text)]
    return "" if words[0] == words[1] else "it would hold other instructions"


def read_instructions(text: str) -> Iterator[Instruction]:
    """Yield the instructions and comments of a Dockerfile; what is between them is blank."""
    escape = "`" if _ESCAPE.match(text) else "\\"
    at = 0
    while at < len(text):
        end = _line_end(text, at)
        line = text[at:end]
        if not line.strip():
            at = end
            continue
        if line.lstrip().startswith("#"):
            yield Instruction("", at, at, end)
            at = end
            continue
        end = _instruction_end(text, at, escape)
        found = _WORD.match(text, at, end)
        yield Instruction(found["word"].upper() if found else "?", at, found.end() if found else at, end)
        at = end


def _instruction_end(text: str, at: int, escape: str) -> int:
    """Return where an instruction ends: behind lines that go on, comments between them, and heredocs."""
    start, end = at, _line_end(text, at)
    while end < len(text):
        last = text[at:end].rstrip()
        is_between = at > start and (not last or last.lstrip().startswith("#"))
        if not is_between and not last.endswith(escape):
            break
        at, end = end, _line_end(text, end)
    for word in re.findall(r"<<-?[\"']?([A-Za-z_]\w*)[\"']?", text[start:end]):
        closing = re.compile(rf"^\t*{word}\r?$", re.MULTILINE).search(text, end)
        end = _line_end(text, closing.start()) if closing else end
    return end


def _at(
    document: Document, spot: Spot, instructions: Sequence[Instruction]
) -> tuple[Site | ManualItem, tuple[str, str] | None]:
    one = _holding(instructions, spot.start, spot.end)
    line = document.line(spot.start)
    if one is None:
        return ManualItem(document.path, line, "it stands in no instruction", "Take it out by hand."), None
    if not one.word or _in_comment(document.text, one, spot):
        return placeholder(spot), None
    if one.word in ("ENV", "ARG", "LABEL"):
        return ManualItem(document.path, line, _STAYS[0].format(one.word), _STAYS[1]), None
    is_build = one.word == "RUN"
    if why := _obstacle(document.text, one, instructions):
        return ManualItem(document.path, line, why, _STAYS[1]), None
    script = _without_comments(document.text[one.body : one.end])
    inserted = _MOUNTED if is_build else shell_lines.VARIABLE
    change = shell_lines.changed(script, spot.start - one.body, spot.end - one.body, spot, inserted)
    if isinstance(change, str) or change.spelling is None:
        why = change if isinstance(change, str) else "it stands in a comment of the script"
        return ManualItem(document.path, line, why, "Have the command read it from its environment."), None
    site = Site(one.body + change.start, one.body + change.end, change.text, change.spelling, change.names)
    return site, _AT_BUILD if is_build else _AT_START


def _obstacle(text: str, one: Instruction, instructions: Sequence[Instruction]) -> str:
    body = text[one.body : one.end].lstrip()
    body = re.sub(r"^CMD\s+", "", body) if one.word == "HEALTHCHECK" else body
    shells = [text[shell.body : shell.end] for shell in instructions if shell.word == "SHELL"]
    if one.word not in ("RUN", "CMD", "ENTRYPOINT", "HEALTHCHECK"):
        return f"{one.word} takes no variables that a build does not keep"
    if body.startswith("["):
        return "the exec form has no shell that puts in variables"
    if _HEREDOC.search(body):
        return "it is in a heredoc"
    if _ESCAPE.match(text) or any(not re.search(r"\"(?:/\S*/)?(?:ba|da)?sh\"", shell) for shell in shells):
        return "it is not known which shell runs it"
    if one.word == "RUN" and any(user.word == "USER" and user.start < one.start for user in instructions):
        return "only root reads a mounted secret, and another user runs this step"
    return ""


def _in_comment(text: str, one: Instruction, spot: Spot) -> bool:
    start = text.rfind("\n", 0, spot.start) + 1
    return start > one.start and text[start : spot.start].lstrip().startswith("#")


def _without_comments(script: str) -> str:
    """Return a script, as long as before, whose lines of comment, which Docker takes out, only go on to the next."""
    script = script.replace("\\\r\n", " \\\n").replace("\r\n", " \n")
    return _COMMENT_INSIDE.sub(lambda one: " " * (len(one[0]) - 1) + "\\", script)


def _holding(instructions: Sequence[Instruction], start: int, end: int) -> Instruction | None:
    return next((one for one in instructions if one.start <= start and end <= one.end), None)


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end + 1
