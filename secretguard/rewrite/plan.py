"""The rewriting of one repository: every site with its variable, every file with its edits, checked."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from secretguard.errors import RewriteError
from secretguard.interfaces import Rewriter
from secretguard.reference import SecretReference
from secretguard.rewrite.changed_lines import beside_value, place_of_value
from secretguard.rewrite.checks import why_unsound
from secretguard.rewrite.documents import written
from secretguard.rewrite.edits import applied, ordered
from secretguard.rewrite.env_files import environment_changes, is_env_file
from secretguard.rewrite.failures import blamed
from secretguard.rewrite.naming import SpellingKey, key_of, variable_names
from secretguard.rewrite.sightings import Sought, sought
from secretguard.rewrite.survey import Surveyed, TrackedFile, survey
from secretguard.rewriting import (
    AWS_REFERENCE,
    LOWER_NAME,
    NAME,
    REFERENCE,
    Edit,
    FileChange,
    ManualItem,
    Site,
    Surroundings,
    Variable,
)
from secretguard.rotation import Login, Spelling

_NOT_OF_AWS = (
    "AWS resolves only what is in its own Secrets Manager",
    "Make it a parameter with `NoEcho`; or keep the value in AWS Secrets Manager, and run this again.",
)
_WHEN_DEPLOYED = (
    "AWS resolves it only when the stack is deployed",
    "Deploy it by a role that may read the secret; until then its resources have the old value.",
)
_OF_ANOTHER = (
    "it is the fallback of another variable, and what reads the file may put in none inside of it",
    "Take the fallback out, and set the variable wherever this is read.",
)
_MIXED = (
    "another copy on this line can only be taken out by a person",
    "Take every copy on the line out by hand, in one go.",
)


@dataclass(frozen=True, slots=True)
class Gathered:
    """What there is to do in one repository, before anything has a name."""

    surveyed: tuple[Surveyed, ...]
    manual: tuple[ManualItem, ...]
    around: Surroundings
    leaked: Login

    @property
    def running(self) -> list[Site]:
        """Return the sites that become references."""
        return [site for one in self.surveyed for site in one.sites if not site.is_placeholder]

    @property
    def spellings(self) -> tuple[Spelling, ...]:
        """Return what the code needs of a new login, each once."""
        return tuple({key_of(site.spelling): site.spelling for site in reversed(self.running)}.values())


@dataclass(frozen=True, slots=True)
class Naming:
    """What the variables are called, and where their values are."""

    refer: Callable[[Spelling, str], SecretReference]
    """Where the value of a spelling is, for the variable of that name."""
    main: str
    """The conventional name, see `naming.conventional`."""
    user: str = ""
    """Tells it from another of that name."""
    asked: str = ""
    """The main variable, if the operator says."""
    is_taken: Callable[[str], bool] = lambda _: False
    """Whether the repository uses a name for something else."""


@dataclass(frozen=True, slots=True)
class Assigned:
    """A variable and the spelling that it holds."""

    variable: Variable
    spelling: Spelling


@dataclass(frozen=True, slots=True)
class Rewrite:
    """What one commit will do, and what it will not."""

    changes: tuple[FileChange, ...]
    manual: tuple[ManualItem, ...]
    variables: tuple[Assigned, ...]
    references: int
    """Places that read a variable afterwards."""
    placeholders: int


def gather(
    files: Iterable[TrackedFile], rewriters: Sequence[Rewriter], around: Surroundings, leaked: Login
) -> Gathered:
    """Look at each of the `files`, which hold the credential."""
    surveyed, manual = survey(files, rewriters, around, leaked)
    return Gathered(tuple(surveyed), tuple(manual), around, leaked)


def second_choice(gathered: Gathered, main: str, user: str, is_taken: Callable[[str], bool]) -> str:
    """Return what the main variable is called only because `main`, the conventional name, is in use for something else.

    Empty where the code itself names it, or nothing is in the way: then there is nothing to ask a person. `user` and
    `is_taken` as in `Naming`.
    """
    names = variable_names(gathered.running, (main, user), is_taken)
    name = next(iter(names.values()), main)
    used = {one for site in gathered.running for one in site.names[:1]}
    return name if name not in (main, *used) and is_taken(main) else ""


def plan_rewrite(gathered: Gathered, naming: Naming) -> Rewrite:
    """Return what is to be done; nothing is written."""
    manual = list(gathered.manual)
    names = variable_names(gathered.running, (naming.main, naming.user), naming.is_taken, naming.asked)
    assigned = _assigned(gathered, names, naming)
    main = next(iter(names.values()), naming.asked or naming.main)
    changes: list[FileChange] = []
    done: list[Surveyed] = []
    old = sought(gathered.leaked.secret)
    for file in gathered.surveyed:
        one, unresolved = _resolvable(file, assigned)
        one, beside = _without_mixed_lines(one, assigned, main, old)
        manual += (*unresolved, *beside)
        edited = _edited(one, assigned, main, gathered.leaked, old)
        if isinstance(edited, str):
            manual += [_failed(one, site, edited) for site in one.sites]
            continue
        done.append(one)
        if edited is not None and not is_env_file(one.file.path):
            changes.append(edited)
    of_env = [one for one in done if is_env_file(one.file.path) and one.sites]
    sites = [site for one in done for site in one.sites]
    used = {key_of(site.spelling) for site in sites if not site.is_placeholder}
    assigned = {key: one for key, one in assigned.items() if key in used}
    variables = {key: one.variable for key, one in assigned.items()}
    environment = environment_changes(of_env, variables, gathered.around, changes)
    manual += environment.manual
    return Rewrite(
        changes=tuple(sorted(environment.changes, key=lambda one: one.path)),
        manual=tuple(sorted(manual, key=lambda one: (one.path, one.line))),
        variables=tuple(assigned.values()),
        references=sum(not one.is_placeholder for one in sites),
        placeholders=sum(one.is_placeholder for one in sites),
    )


def _assigned(gathered: Gathered, names: dict[SpellingKey, str], naming: Naming) -> dict[SpellingKey, Assigned]:
    spellings = {key_of(one): one for one in gathered.spellings}
    return {
        key: Assigned(Variable(name, naming.refer(spellings[key], name)), spellings[key]) for key, name in names.items()
    }


def _resolvable(one: Surveyed, assigned: dict[SpellingKey, Assigned]) -> tuple[Surveyed, list[ManualItem]]:
    """Return a file with the sites that can be resolved there, and what a person has to do about the others."""
    of_aws = [site for site in one.sites if AWS_REFERENCE in site.text]
    left = [site for site in of_aws if not assigned[key_of(site.spelling)].variable.reference.of_aws]
    told = [(site, _NOT_OF_AWS) for site in left] or [(site, _WHEN_DEPLOYED) for site in of_aws[:1]]
    sites: list[Site] = []
    for site in (site for site in one.sites if site not in left):
        name = "" if site.is_placeholder else assigned[key_of(site.spelling)].variable.name
        called = site.called(name) if name else site
        if called is None:
            told.append((site, _OF_ANOTHER))
        elif name not in site.unless:
            sites.append(called)
    manual = [ManualItem(one.file.path, one.document.line(site.start), *words) for site, words in told]
    return replace(one, sites=tuple(sites)), manual


def _without_mixed_lines(
    one: Surveyed, assigned: dict[SpellingKey, Assigned], main: str, old: Sought
) -> tuple[Surveyed, list[ManualItem]]:
    """Return a file without the sites on whose lines the value would stay, and an item for each of those lines.

    Such a line would be added with the value on it. A `.env` leaves git as a whole.
    """
    manual: list[ManualItem] = []
    while one.sites and not is_env_file(one.file.path):
        edits = [_edit_of(site, assigned, main) for site in one.sites]
        try:
            left = beside_value(one.document.text, ordered(edits), old)
        except RewriteError:
            break  # they overlap, which fails the file later
        if not left:
            break
        manual += [ManualItem(one.file.path, one.document.line(edit.start), *_MIXED) for edit in left]
        kept = [site for site, edit in zip(one.sites, edits, strict=True) if edit not in left]
        one = replace(one, sites=tuple(kept))
    return one, list(dict.fromkeys(manual))


def _edit_of(site: Site, assigned: dict[SpellingKey, Assigned], main: str) -> Edit:
    if site.is_placeholder:
        return _edit(site, main)
    variable = assigned[key_of(site.spelling)].variable
    return _edit(site, variable.name, variable.reference)


def _edited(
    one: Surveyed, assigned: dict[SpellingKey, Assigned], main: str, leaked: Login, old: Sought
) -> FileChange | str | None:
    """Return the change of one file, or why it must not be made; None if nothing in it changes."""
    if not one.sites:
        return None
    running = [(site, assigned[key_of(site.spelling)].variable) for site in one.sites if not site.is_placeholder]
    edits = [_edit_of(site, assigned, main) for site in one.sites]
    try:
        with blamed(one.rewriter):
            edits += one.rewriter.additions(one.document, running)
            edits = list(ordered(edits))
            after = replace(one.document, text=applied(one.document.text, edits))
            why = why_unsound(one.document, edits, after, one.rewriter, leaked)
    except RewriteError as error:
        return str(error)
    if why:
        return why
    change = FileChange(one.file.path, one.file.data, written(after, after.text), one.file.mode)
    if not is_env_file(one.file.path) and (place := place_of_value(old, change.before, change.after)):
        return f"the value would stay {place}"
    return change


def _edit(site: Site, name: str, reference: SecretReference | None = None) -> Edit:
    text = site.text.replace(NAME, name).replace(LOWER_NAME, name.lower())
    if reference is not None:
        text = text.replace(REFERENCE, str(reference)).replace(AWS_REFERENCE, reference.of_aws)
    return Edit(site.start, site.end, text)


def _failed(one: Surveyed, site: Site, why: str) -> ManualItem:
    return ManualItem(one.file.path, one.document.line(site.start), f"not edited: {why}", "Edit it by hand.")
