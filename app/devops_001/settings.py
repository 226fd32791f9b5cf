"""Settings, all from environment variables. README.md in app/ has the table."""

import os
from pathlib import Path
from urllib.parse import quote

from kombu import Exchange, Queue

from devops_001 import env as read
from devops_001.keys import derived_secret_key
from devops_001.logs import hide, logging_config

BASE_DIR = Path(__file__).resolve().parent.parent
env = read.Env(os.environ)

DEBUG = env.optional("DEBUG", read.flag, False)
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": env.required("POSTGRES_DB"),
        "USER": env.required("POSTGRES_USER"),
        "PASSWORD": env.required("POSTGRES_PASSWORD"),
        "HOST": env.required("DATABASE_HOST", read.host),
        "PORT": env.required("DATABASE_PORT", read.port),
        "CONN_MAX_AGE": env.optional("CONN_MAX_AGE", read.seconds, 60),
        "CONN_HEALTH_CHECKS": True,
        # Detects a server that disappears without closing its connections. Seconds; tcp_user_timeout: ms.
        "OPTIONS": {
            "connect_timeout": 3,
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "tcp_user_timeout": 15000,
        },
    }
}
REDIS = {
    "host": env.required("REDIS_HOST", read.host),
    "port": env.required("REDIS_PORT", read.port),
    "password": env.optional("REDIS_PASSWORD"),
}
KAFKA_SERVER = "{}:{}".format(env.required("KAFKA_HOST", read.host), env.required("KAFKA_PORT", read.port))
ORDERS_TOPIC = env.optional("ORDERS_TOPIC", default="orders")
API_TOKEN = env.optional("API_TOKEN")
SECRET_KEY = env.optional("SECRET_KEY") or derived_secret_key(
    *(DATABASES["default"][part] for part in ("NAME", "USER", "PASSWORD"))
)
ALLOWED_HOSTS = env.optional("ALLOWED_HOSTS", read.names, ["localhost", "127.0.0.1", "[::1]", "app"])
CSRF_TRUSTED_ORIGINS = env.optional("CSRF_TRUSTED_ORIGINS", read.names, [])
STATIC_ROOT = env.optional("STATIC_ROOT", Path, BASE_DIR / "staticfiles")
HTTPS = env.optional("HTTPS", read.flag, False)
LOG_LEVEL = env.optional("LOG_LEVEL", read.level, "INFO")
env.stop_if_wrong()
hide(
    SECRET_KEY,
    API_TOKEN,
    DATABASES["default"]["PASSWORD"],
    REDIS["password"],
    names=(
        *(DATABASES["default"][part] for part in ("NAME", "USER", "HOST")),
        REDIS["host"],
        KAFKA_SERVER.rpartition(":")[0],
    ),
)

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "checks",
    "orders",
]
MIDDLEWARE = [
    "devops_001.middleware.RequestLog",
    "django.middleware.security.SecurityMiddleware",
    "devops_001.middleware.ContentSecurityPolicy",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "devops_001.urls"
WSGI_APPLICATION = "devops_001.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
LANGUAGE_CODE, TIME_ZONE, USE_TZ = "en", "UTC", True
LOGGING = logging_config(LOG_LEVEL)
TEST_RUNNER = "devops_001.tests.support.Runner"

STATIC_URL = "/static/"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
# A missing stylesheet does not break the pages; /checks reports it.
WHITENOISE_MANIFEST_STRICT = False

# Behind TLS (nginx), cookies are sent over TLS only. gunicorn trusts X-Forwarded-Proto from the addresses
# in FORWARDED_ALLOW_IPS.
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024  # bytes

CELERY_BROKER_URL = "redis://{}{}:{}/0".format(
    f":{quote(REDIS['password'], safe='')}@" if REDIS["password"] else "", REDIS["host"], REDIS["port"]
)
# Each with its own routing key: without one, both queues would receive the default queue's tasks.
CELERY_TASK_QUEUES = [Queue(name, Exchange(name), routing_key=name) for name in ("default", "orders")]
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_CREATE_MISSING_QUEUES = False
CELERY_TASK_ROUTES = {"orders.*": {"queue": "orders"}}
CELERY_TASK_IGNORE_RESULT = True
# The task of a killed worker is delivered again, so tasks must be idempotent.
CELERY_TASK_ACKS_LATE = CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_SOFT_TIME_LIMIT, CELERY_TASK_TIME_LIMIT = 30, 45  # seconds
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # a worker waits for its broker without limit
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 120,  # seconds; longer than the time limit of a task
    "socket_connect_timeout": 2,
    "socket_timeout": 5,
    "socket_keepalive": True,
    "health_check_interval": 10,
    # For sending tasks. Without these, or with 0 retries, senders would wait for the broker forever.
    "max_retries": 1,
    "interval_start": 0.1,
    "interval_step": 0.1,
    "interval_max": 0.5,
}
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0.1, "interval_max": 0.5}
CELERY_BEAT_SCHEDULE = {
    # Picks up work whose task could not be sent.
    "settle placed orders": {"task": "orders.settle_placed", "schedule": 15.0, "options": {"expires": 15}},
    "publish events": {"task": "orders.publish_events", "schedule": 15.0, "options": {"expires": 15}},
}
