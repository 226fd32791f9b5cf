"""The Celery application: `celery -A devops_001`. Passes a request's id on in the headers of its tasks."""

import os

from celery import Celery, signals

from devops_001 import logs

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "devops_001.settings")

app = Celery("devops_001")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
# Makes it the default app in every thread; otherwise tasks sent from other threads would use no broker.
app.set_default()


@signals.setup_logging.connect
def keep_django_logging(**_):
    """Keeps Django's logging: with a receiver connected, Celery does not configure its own."""


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
