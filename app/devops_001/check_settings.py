"""`python -m devops_001.check_settings` ends with one line that names what the environment lacks."""

# Importing the settings is the check: it exits when they are incomplete.
import devops_001.settings  # noqa: F401
