"""${message[:1].upper() + message[1:]}."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = ${repr(up_revision)}
down_revision: Final = ${repr(down_revision)}


def upgrade() -> None:
    """Take the step."""
% for line in (upgrades or "pass").splitlines():
% if not line.strip().startswith("# ###"):
    ${line.removeprefix("    ")}
% endif
% endfor
