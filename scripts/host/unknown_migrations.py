"""Prints the applied migrations that the release does not have although they are later than all those that it has.

Runs in `manage.py shell`. Rows of applications that the project no longer has, and of migrations that were squashed, are older.
"""

import re

from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

loader = MigrationLoader(None)


def last_number(name):
    """The highest number in a name: 5 for 0001_squashed_0005_more. Names without one count as the latest."""
    return max(map(int, re.findall(r"\d{4}", name)), default=9999)


for app, name in sorted(MigrationRecorder(connection).applied_migrations()):
    known = [other for label, other in loader.disk_migrations if label == app]
    replaced = {old for migration in loader.disk_migrations.values() for old in migration.replaces}
    if known and name not in known and (app, name) not in replaced and last_number(name) > max(map(last_number, known)):
        print("unknown migration", f"{app}.{name}")
