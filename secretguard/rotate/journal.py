"""Opens the journal that the configuration names."""

from collections.abc import Mapping

from secretguard.rotate.journal_sqlite import FILE, open_sqlite
from secretguard.rotate.records import Journal
from secretguard.rotate.state_directory import identity, state_directory


def open_journal(setting: str | None, environ: Mapping[str, str]) -> Journal:
    """Return the journal: of `setting`, a connection string without a password, or the file of the state directory.

    `setting` is `Config.journal`. Raises RotationError.
    """
    directory = state_directory(environ)
    if not setting:
        return open_sqlite(directory)
    from secretguard.rotate.journal_postgres import open_postgres

    journal = open_postgres(setting, identity(directory))
    if journal.anchor() == (0, "") and (directory / FILE).exists():
        # The audit file stays where it is when the journal moves to the team's server.
        local = open_sqlite(directory)
        count, seal = local.anchor()
        local.close()
        if count:
            journal.set_anchor(count, seal)
    return journal
