"""What every way out begins with: the commit is made, aside, and looked through before anything leaves."""

import time

from secretguard.rewrite import exposure, wording
from secretguard.rewrite.author import author
from secretguard.rewrite.commit import Commit, made
from secretguard.rewrite.delivery import Delivery
from secretguard.rotation import Context


def prepared(delivery: Delivery, context: Context) -> Commit | None:
    """Return the commit that may be delivered; None if nothing changes. The repository is only read.

    Raises RewriteError if a value would leave with it, if git does not know who the operator is, or if the commit has
    something else than the changes were computed against; GitError.
    """
    who = author(delivery.repository, context)
    commit = made(delivery, who, int(time.time()), lambda tree: wording.message(delivery, tree))
    if commit is not None:
        exposure.check(delivery, commit)
    return commit
