"""Connections to Redis with timeouts."""

import redis
from django.conf import settings


def connect(timeout: float) -> redis.Redis:
    """A client with a timeout in seconds for connecting and for each command. Close it after use."""
    return redis.Redis(
        **settings.REDIS, socket_connect_timeout=timeout, socket_timeout=timeout, decode_responses=True
    )
