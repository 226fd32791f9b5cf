"""The Celery application: `celery -A devops_001`. A request's id travels in the headers of its tasks."""

import os

from celery import Celery, signals

from devops_001 import logs

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "devops_001.settings")

app = Celery("devops_001")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
# For every thread: otherwise a task that another thread than this sends goes to no broker of ours.
app.set_default()


@signals.setup_logging.connect
def keep_django_logging(**_):
    """Django's logging is set up already; a receiver here keeps Celery from laying its own over it."""


@signals.before_task_publish.connect
def send_request_id(headers=None, **_):
    if headers is not None:
        headers.setdefault("request_id", logs.request_id.get())


@signals.task_prerun.connect
def take_request_id(task=None, **_):
    logs.request_id.set(getattr(task.request, "request_id", None) or "-")


@signals.task_postrun.connect
def drop_request_id(**_):
    logs.request_id.set("-")
