"""The WSGI application for gunicorn: devops_001.wsgi:application."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "devops_001.settings")
application = get_wsgi_application()
