"""`python -m secretguard` is the `secretguard` command."""

import sys

# `-m` puts the current directory first on the path; in a hostile repository that would import its code.
if not sys.flags.safe_path:
    del sys.path[0]

from secretguard.cli import main  # after the path is safe

sys.exit(main())
