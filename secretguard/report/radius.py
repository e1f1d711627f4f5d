"""The blast radius of one credential for a person: every place by kind, every commit, every author."""

from collections import defaultdict
from collections.abc import Iterator
from typing import TextIO

from secretguard.model import Credential, Location, Place, Report
from secretguard.report.masking import mask_for
from secretguard.report.places import PLACE_NAMES, count, describe, distinct_places, kind_of
from secretguard.report.printable import printable
from secretguard.report.text import Sheet, write_advice, write_heading


def write(report: Report, credential: Credential, out: TextIO, *, color: bool | None = None) -> None:
    """Write everything that `report` knows about `credential`, but its value."""
    mask = mask_for(report, show_secrets=False)
    sheet = Sheet(out, lambda value: printable(mask(value)), color=color)
    write_heading(sheet, credential)
    if last := credential.last_seen:
        sheet.field("last seen", last[:10])
    sheet.field("authors", *_authors(sheet, credential))
    sheet.line()
    by_kind = defaultdict(list)
    for occurrence in distinct_places(credential):
        by_kind[kind_of(occurrence.location)].append(describe(occurrence, sheet.clean))
    for place in Place:
        if lines := by_kind[place]:
            sheet.line("  ", (count(len(lines), *PLACE_NAMES[place]), "bold"))
            for line in lines:
                sheet.line("    ", line)
    if commits := list(_commits(sheet, credential)):
        sheet.line("  ", (f"{count(len(commits), 'commit')} that add it, oldest first", "bold"))
        for line in commits:
            sheet.line("    ", line)
    sheet.line()
    write_advice(sheet, credential, report.mode)


def _authors(sheet: Sheet, credential: Credential) -> list[str]:
    commits: dict[str, set[str]] = defaultdict(set)
    for occurrence in credential.occurrences:
        if occurrence.location.author and occurrence.location.commit:
            commits[occurrence.location.author].add(occurrence.location.commit)
    most_first = sorted(commits.items(), key=lambda item: (-len(item[1]), item[0]))
    return [f"{sheet.clean(author)}, {count(len(own), 'commit')}" for author, own in most_first]


def _commits(sheet: Sheet, credential: Credential) -> Iterator[str]:
    places: dict[str, list[Location]] = defaultdict(list)
    for occurrence in credential.occurrences:
        if commit := occurrence.location.commit:
            places[commit].append(occurrence.location)
    for commit, locations in sorted(places.items(), key=lambda item: (item[1][0].date or "", item[0])):
        first = locations[0]
        paths = {at.path for at in locations if at.path}
        where = count(len(paths), "file") if paths else "in its message"
        words = commit[:12], (first.date or "")[:10], sheet.clean(first.author or ""), where
        yield "  ".join(word for word in words if word)
