"""`python -m mailsec` is the command `mailsec`."""

from __future__ import annotations

import sys

from mailsec.cli import main

sys.exit(main())
