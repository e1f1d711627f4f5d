"""One way out or another: a patch, a branch, a pull request."""

from pathlib import Path

from secretguard.rewrite.branch import standing, update_branch
from secretguard.rewrite.delivery import Delivered, Delivery, How
from secretguard.rewrite.patch import write_patch
from secretguard.rewrite.prepare import prepared
from secretguard.rotation import Context


def deliver(
    delivery: Delivery,
    how: How,
    context: Context,
    *,
    patch_file: Path,
    remote: str = "origin",
    insists: bool = False,
) -> Delivered:
    """Deliver, and return what was done; what was done before, exactly so, is not done again.

    `patch_file` is where a patch goes, `remote` where a pull request goes; `insists` opens one though the old value is
    not proven dead. Raises RewriteError (nothing was delivered), GitError, OutputError; of a pull request ForgeError.
    """
    if how is How.PATCH:
        return write_patch(delivery, patch_file, context)
    if how is How.BRANCH:
        return update_branch(delivery, context)
    from secretguard.rewrite.pull_request import open_pull_request

    return open_pull_request(delivery, context, remote=remote, insists=insists)


def rehearse(delivery: Delivery, how: How, context: Context, *, remote: str = "origin") -> None:
    """Raise what `deliver` would raise, as far as that can be seen here and now: nothing is delivered, nobody asked."""
    if how is How.BRANCH:
        standing(delivery)
    if how is How.PULL_REQUEST:
        from secretguard.rewrite.forges.access import destination

        destination(delivery.repository, remote, context)
    prepared(delivery, context)
