"""Connections to Redis that never wait long."""

import redis
from django.conf import settings


def connect(timeout: float) -> redis.Redis:
    """A client whose every step, connecting too, takes at most `timeout` seconds. Close it after use."""
    return redis.Redis(
        **settings.REDIS, socket_connect_timeout=timeout, socket_timeout=timeout, decode_responses=True
    )
