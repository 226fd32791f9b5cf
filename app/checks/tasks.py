"""The task by which /checks sees that a worker works."""

from celery import shared_task

from devops_001.redis import connect

REPLY_TTL = 30  # seconds that an answer waits for whoever asked


def reply_key(token: str) -> str:
    return f"checks:celery:{token}"


@shared_task(name="checks.echo")
def echo(token: str) -> None:
    """Answers through Redis; touches no database, so that it proves the worker alone."""
    client = connect(2.0)
    try:
        with client.pipeline() as steps:
            steps.rpush(reply_key(token), token).expire(reply_key(token), REPLY_TTL).execute()
    finally:
        client.close()
