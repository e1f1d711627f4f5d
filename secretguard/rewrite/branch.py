"""A branch with one commit on top of what was rewritten; nobody's work is overwritten, nothing is checked out."""

from secretguard.errors import GitError, RewriteError
from secretguard.git.complaints import readable
from secretguard.git.repository import Repository
from secretguard.rewrite.commit import Commit
from secretguard.rewrite.delivery import Delivered, Delivery, How
from secretguard.rewrite.prepare import prepared
from secretguard.rewrite.wording import CREDENTIAL_TRAILER, TREE_TRAILER, trailers
from secretguard.rotation import Context

_NO_REFLOG = ("-c", "core.logAllRefUpdates=false")


def update_branch(delivery: Delivery, context: Context) -> Delivered:
    """Make or move the branch; index, files, HEAD and every other ref stay as they are.

    Raises RewriteError if the branch holds somebody else's work or is checked out, and as `prepared`; GitError.
    """
    repository = delivery.repository
    before = standing(delivery)
    commit = prepared(delivery, context)
    if commit is None:
        return Delivered(How.BRANCH, "", ("there is nothing to change",), is_new=False)
    if before is not None and _same(repository, before, commit):
        return Delivered(How.BRANCH, delivery.branch, (f"it is at {before[:12]} already",), is_new=False)
    repository.git("unpack-objects", "-q", feed=[commit.pack])
    _move(repository, delivery.ref, commit.id, before)
    files = len(delivery.changes)
    evidence = [f"commit {commit.id[:12]} with {files} files on top of {commit.base[:12]}"]
    evidence += [f"it was at {before[:12]}"] if before else []
    return Delivered(How.BRANCH, delivery.branch, tuple(evidence))


def standing(delivery: Delivery) -> str | None:
    """Return where the branch stands, None if it does not exist; raises RewriteError if it may not be set."""
    _check_place(delivery)
    before = delivery.repository.resolve(delivery.ref)
    if before is not None:
        _check_ours(delivery, before)
    return before


def is_ours(credential: str, message: str, tree: str, parents: int) -> bool:
    """Whether a commit is one that we made for this credential, and as we made it: nobody amended or rebased it."""
    said = trailers(message)
    return parents == 1 and said.get(CREDENTIAL_TRAILER) == credential and said.get(TREE_TRAILER) == tree


def not_ours(branch: str) -> RewriteError:
    """Return what to raise where a branch of our name holds somebody else's work."""
    return RewriteError(
        f"the branch {branch} holds commits that secretguard did not make, and they are left alone",
        hint="Merge, rename or delete it, then run the command again.",
    )


def _check_place(delivery: Delivery) -> None:
    repository = delivery.repository
    for git_dir in repository.git_dirs:
        with repository.process("symbolic-ref", "-q", "HEAD", git_dir=git_dir) as process:
            head = process.stdout.read().decode("utf-8", "replace").strip()
            process.wait()
        if head == delivery.ref:
            raise RewriteError(
                f"the branch {delivery.branch} is checked out, and a checked-out branch is not moved",
                hint="Switch to the branch that the change is for, then run the command again.",
            )
    # A link in the way would have git write outside the repository.
    place = repository.common_dir / delivery.ref
    fan_out = (repository.common_dir / "objects" / f"{number:02x}" for number in range(256))
    for path in (place, *place.parents[:3], *fan_out):
        if path.is_symlink():
            raise RewriteError(
                f"{readable(str(path))} is a symbolic link, and may lead anywhere",
                hint="Put a folder in its place, or deliver a patch.",
            )


def _check_ours(delivery: Delivery, commit: str) -> None:
    raw = delivery.repository.git("cat-file", "commit", commit).decode("utf-8", "replace")
    head, _, message = raw.partition("\n\n")
    lines = [line.split(" ") for line in head.splitlines()]
    trees = [words[1] for words in lines if words[0] == "tree"]
    parents = sum(words[0] == "parent" for words in lines)
    if not is_ours(delivery.credential, message, "".join(trees), parents):
        raise not_ours(delivery.branch)


def _same(repository: Repository, there: str, commit: Commit) -> bool:
    tree_and_parents = repository.git("rev-parse", f"{there}^{{tree}}", f"{there}^@").decode("ascii").split()
    return tree_and_parents == [commit.tree, commit.base]


def _move(repository: Repository, ref: str, new: str, old: str | None) -> None:
    try:
        repository.git(*_NO_REFLOG, "update-ref", "--no-deref", ref, new, old or "0" * len(new))
    except GitError as error:
        raise RewriteError(
            f"the branch {ref.removeprefix('refs/heads/')} cannot be set: {error}",
            hint="Somebody may have moved it meanwhile, or another ref is in the way; run the command again.",
        ) from None
