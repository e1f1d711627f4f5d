"""`python -m secretguard` is the `secretguard` command."""

import sys

from secretguard.cli import main

sys.exit(main())
