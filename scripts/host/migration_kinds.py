"""Prints the release's migrations that do not run in one transaction. Runs in `manage.py shell`."""

from django.db.migrations.loader import MigrationLoader

for (app, name), migration in MigrationLoader(None).disk_migrations.items():
    if not migration.atomic:
        print("not atomic", f"{app}.{name}")
