"""Runs `manage.py migrate` of any application. Its last line names the migration that failed, and the error.

    migrate.py [option of manage.py migrate...]

STACKLINE_RELEASE has further commands of a release, one a line, among which `migrate` stands for the migrations; without that
line they come first. With options, none of these is run.
"""

import os
import runpy
import subprocess
import sys
import traceback

from django.db.migrations.executor import MigrationExecutor

MIGRATE = "migrate"
MESSAGE_KEPT = 500  # characters

running = []


def noted(method):
    """The method of the executor; while it runs, the name of its migration is in `running`."""

    def run(executor, state, migration, *arguments, **options):
        running.append(f"{migration.app_label}.{migration.name}")
        state = method(executor, state, migration, *arguments, **options)
        running.pop()
        return state

    return run


def main(options):
    commands = [] if options else os.environ.get("STACKLINE_RELEASE", "").splitlines()
    for command in commands if MIGRATE in commands else [MIGRATE, *commands]:
        if command == MIGRATE:
            migrate(options)
        else:
            run(command)


def run(command):
    print(f"release: {command}", flush=True)
    code = subprocess.run(["sh", "-c", command], check=False).returncode
    if code != 0:
        sys.exit(f"release: the command {command!r} ended with {code}")


def migrate(options):
    MigrationExecutor.apply_migration = noted(MigrationExecutor.apply_migration)
    MigrationExecutor.unapply_migration = noted(MigrationExecutor.unapply_migration)
    # As for a script in this folder: the application's own packages come first.
    sys.path[0] = os.getcwd()
    sys.argv = ["manage.py", "migrate", "--no-input", *options]
    try:
        runpy.run_path("manage.py", run_name="__main__")
    except Exception as problem:
        traceback.print_exc()
        message = " ".join(str(problem).split())[:MESSAGE_KEPT]
        failed = "".join(f"{name} failed: " for name in running[-1:])
        sys.exit(f"migrate: {failed}{type(problem).__name__}: {message}")


if __name__ == "__main__":
    main(sys.argv[1:])
