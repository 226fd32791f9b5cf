"""The task that /checks uses to test the worker."""

from celery import shared_task

from devops_001.redis import connect

REPLY_TTL = 30  # seconds until an unread reply expires


def reply_key(token: str) -> str:
    return f"checks:celery:{token}"


@shared_task(name="checks.echo")
def echo(token: str) -> None:
    """Replies through Redis. Uses no database, so that it tests only the worker."""
    client = connect(2.0)
    try:
        with client.pipeline() as steps:
            steps.rpush(reply_key(token), token).expire(reply_key(token), REPLY_TTL).execute()
    finally:
        client.close()
