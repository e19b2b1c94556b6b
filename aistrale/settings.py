"""All settings, read from the environment or `.env` (see `.env.example` for each name and its meaning)."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dj_database_url
import dj_email_url
from environs import validate
from procrastinate import RetryStrategy

from aistrale import embedded, keyfiles, logs, outgoing
from aistrale.env import SettingsEnv, read_env_file, read_secret
from inference.providers.base import Timeouts

BASE_DIR = Path(__file__).resolve().parent.parent

env = SettingsEnv()
read_env_file(env, env.str("AISTRALE_ENV_FILE", str(BASE_DIR / ".env")))

DATA_DIR = Path(env.str("AISTRALE_DATA_DIR", str(BASE_DIR / "var"))).resolve()
HOST = env.str("AISTRALE_HOST", "127.0.0.1")
PORT = env.int("PORT", 8000)
PUBLIC_URL = env.str("AISTRALE_PUBLIC_URL", f"http://127.0.0.1:{PORT}")
_public = urlsplit(PUBLIC_URL)
PUBLIC_ORIGIN = f"{_public.scheme}://{_public.netloc}"
# Below which path of the origin all pages are, '' for the whole of it. Addresses by name have it already.
BASE_PATH = _public.path.rstrip("/")
FORCE_SCRIPT_NAME = BASE_PATH or None
HTTPS = _public.scheme == "https"

DEBUG = env.bool("AISTRALE_DEBUG", False)
LOGGING = logs.configuration(level=env.log_level("AISTRALE_LOG_LEVEL", logging.INFO), terminal=sys.stderr.isatty())
SECRET_KEY = read_secret(env, "SECRET_KEY", keyfiles.secret_key_file(DATA_DIR))
ALLOWED_HOSTS = env.list("AISTRALE_ALLOWED_HOSTS", [_public.hostname, "localhost", "127.0.0.1"])
CSRF_TRUSTED_ORIGINS = [PUBLIC_ORIGIN]

# TLS ends at a reverse proxy; only when told so do we believe what it says about the browser's connection.
BEHIND_PROXY = env.bool("AISTRALE_BEHIND_PROXY", False)
# Addresses or networks.
PROXIES: list[str] = env.list("AISTRALE_PROXIES", ["127.0.0.1", "::1"]) if BEHIND_PROXY else []
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_PROXY else None
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = ["^health/", "^metrics$"]
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if HTTPS else 0
# Other names below our domain, and browsers' preload lists, are not ours to decide about.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]

INSTALLED_APPS = [
    "aistrale",
    "webhooks",
    "prompts",
    "inference",
    "inference.playground",
    "inference.backtests",
    "inference.search",
    "tokens",
    "telemetry",
    "accounts",
    "audit",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "channels",
    "django_htmx",
    "django_prometheus",
    "pgtrigger",
    "procrastinate.contrib.django",
    "template_partials",
    "django_structlog",
    "accounts.administration.apps.AdministrationConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.forms",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
]

MIDDLEWARE = [
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "aistrale.tracing.TraceMiddleware",
    "aistrale.middleware.AnswerHeaders",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "aistrale.middleware.BusyMiddleware",
    "aistrale.middleware.method_middleware",
    "aistrale.middleware.address_middleware",
    "aistrale.middleware.health_middleware",
    "audit.context.audit_context_middleware",
    "django.middleware.common.CommonMiddleware",
    "aistrale.middleware.api_middleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "accounts.middleware.ApiKeyMiddleware",
    "aistrale.middleware.PageLoginMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "accounts.middleware.throttle_middleware",
    "allauth.account.middleware.AccountMiddleware",
    "aistrale.middleware.ConfirmationMiddleware",
    "aistrale.middleware.page_middleware",
    "accounts.middleware.activity_middleware",
    "accounts.middleware.FactorMiddleware",
    "aistrale.metrics.RequestMetrics",
]

ROOT_URLCONF = "aistrale.urls"
ASGI_APPLICATION = "aistrale.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

_given_database = read_secret(env, "DATABASE_URL", DATA_DIR / "database_url")
_given_redis = read_secret(env, "REDIS_URL", DATA_DIR / "redis_url")
# Only `manage.py up` asks whether a server is ours to start.
EMBEDDED_POSTGRES = not _given_database
EMBEDDED_REDIS = not _given_redis
DATABASE_URL = _given_database or embedded.database_url(DATA_DIR)
REDIS_URL = _given_redis or embedded.redis_url(DATA_DIR)

DATABASE_POOL = env.int("AISTRALE_DATABASE_POOL", 20)
# The other connections are for the sockets and the runs.
PAGES_AT_ONCE = max(1, DATABASE_POOL * 3 // 4)
# Without a URL (the embedded servers were never started) any use of the database fails with a clear error.
_database: dict[str, Any] = {**dj_database_url.parse(DATABASE_URL, engine="aistrale.database")} if DATABASE_URL else {}
DATABASES = {
    "default": {
        **_database,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            **_database.get("OPTIONS", {}),
            # Less than it takes to find that the server hangs: nobody is to try a second connection then. After an
            # outage, connections are made when somebody asks for one, not when a growing pause has passed.
            "pool": {
                "min_size": 1,
                "max_size": DATABASE_POOL,
                "timeout": 3,
                "reconnect_timeout": 4,
                # One connection less after so many seconds in which all were not needed: each keeps room for the
                # longest text that it has sent.
                "max_idle": 3,
            },
            "connect_timeout": 4,
            # Where packets are lost: milliseconds for what was sent, seconds while nothing is.
            "tcp_user_timeout": 4000,
            "keepalives_idle": 4,
            "keepalives_interval": 2,
            "keepalives_count": 2,
            "options": "-c statement_timeout=30000 -c lock_timeout=4000",
        },
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CACHES = {
    "default": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "cache",
        "OPTIONS": {
            "SERIALIZER": "django_redis.serializers.json.JSONSerializer",
            "SOCKET_CONNECT_TIMEOUT": 2,
            "SOCKET_TIMEOUT": 3,
        },
    }
}

SESSION_ENGINE = "accounts.sessions.store"
SESSION_COOKIE_NAME = "__Host-session" if HTTPS else "session"
SESSION_COOKIE_AGE = env.int("AISTRALE_SESSION_DAYS", 14) * 24 * 3600
SESSION_IDLE_SECONDS = env.int("AISTRALE_SESSION_IDLE_MINUTES", 720) * 60
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_NAME = "__Host-csrf" if HTTPS else "csrf"
CSRF_COOKIE_SECURE = HTTPS
# Scripts take the token from the page.
CSRF_COOKIE_HTTPONLY = True

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "dashboard"
ACCOUNT_ADAPTER = "accounts.login.adapters.AccountAdapter"
ACCOUNT_FORMS = {
    "login": "accounts.login.forms.LoginForm",
    "reauthenticate": "accounts.login.forms.ReauthenticateForm",
    "change_password": "accounts.login.forms.ChangePasswordForm",
    "reset_password": "accounts.login.forms.ResetPasswordForm",
    "reset_password_from_key": "accounts.login.forms.ResetPasswordKeyForm",
}
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
# Log-ins are limited by accounts.login.throttling: whoever gets in is not counted.
ACCOUNT_RATE_LIMITS = {"login": "", "login_failed": ""}
# So many failures within so many seconds: of an address; of a user at an address, or of a user's second factor.
FAILURES_PER_ADDRESS = (30, 15 * 60)
FAILURES_PER_KEY = (10, 5 * 60)
# Its own one writes a second list of addresses, with which one could also log in.
ACCOUNT_PASSWORD_RESET_TOKEN_GENERATOR = "django.contrib.auth.tokens.PasswordResetTokenGenerator"
PASSWORD_RESET_TIMEOUT = 24 * 3600
# Seconds for which a dangerous step is not asked to be confirmed again.
ACCOUNT_REAUTHENTICATION_TIMEOUT = env.int("AISTRALE_CONFIRM_MINUTES", 10) * 60

# Who must have a second factor: nobody, administrators, or everybody.
MFA_POLICY = env.str("AISTRALE_MFA", "optional", validate=validate.OneOf(["optional", "administrators", "all"]))
MFA_ADAPTER = "tokens.factors.SealedMFAAdapter"
MFA_FORMS = {
    "authenticate": "accounts.login.forms.AuthenticateForm",
    "activate_totp": "accounts.login.forms.ActivateTOTPForm",
    "add_webauthn": "accounts.login.passkeys.AddForm",
    "authenticate_webauthn": "accounts.login.passkeys.PasskeyForm",
    "reauthenticate_webauthn": "accounts.login.passkeys.ConfirmForm",
    "login_webauthn": "accounts.login.passkeys.LoginForm",
}
# As for ACCOUNT_RATE_LIMITS: its own limit would count whoever shares an address and gets in.
MFA_RATE_LIMITS = {"webauthn_login": ""}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_TOTP_ISSUER = "AISTRALE"
# Steps of 30 s: a clock may be wrong by one.
MFA_TOTP_TOLERANCE = 1
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_USER_VERIFICATION = "required"

# Mail: smtp+tls://user:password@host:587 and the like. Without it nothing is sent, and nothing is promised.
_mail = read_secret(env, "AISTRALE_EMAIL_URL", DATA_DIR / "email_url")
MAIL_IS_CONFIGURED = bool(_mail)
vars().update(dj_email_url.parse(_mail or "dummymail://"))
DEFAULT_FROM_EMAIL = env.str("AISTRALE_EMAIL_FROM", f"AISTRALE <aistrale@{_public.hostname}>")
# Seconds for each step of it, while somebody waits for the page.
EMAIL_TIMEOUT = 4

# Single sign-on: the address of an OpenID Connect provider, without /.well-known/...
OIDC_SERVER = env.str("AISTRALE_OIDC_SERVER", "")
OIDC_CLIENT_SECRET = read_secret(env, "AISTRALE_OIDC_CLIENT_SECRET", DATA_DIR / "oidc_client_secret")
OIDC_NAME = env.str("AISTRALE_OIDC_NAME", "single sign-on")
OIDC_PROVIDER_ID = "sso"
# Whether people without an account get one, and of which e-mail domains people are let in; none named: of any.
OIDC_CREATE_USERS = env.bool("AISTRALE_OIDC_CREATE_USERS", False)
OIDC_DOMAINS: list[str] = env.list("AISTRALE_OIDC_DOMAINS", [])
# Which claim says what somebody is, and which of its values make an administrator; no claim: roles are set here.
OIDC_ROLE_CLAIM = env.str("AISTRALE_OIDC_ROLE_CLAIM", "")
OIDC_ADMINISTRATORS: list[str] = env.list("AISTRALE_OIDC_ADMINISTRATORS", [])
SOCIALACCOUNT_ADAPTER = "accounts.login.sso.SocialAccountAdapter"
_OIDC_APP = {
    "provider_id": OIDC_PROVIDER_ID,
    "name": OIDC_NAME,
    "client_id": env.str("AISTRALE_OIDC_CLIENT_ID", ""),
    "secret": OIDC_CLIENT_SECRET,
    "settings": {"server_url": OIDC_SERVER.rstrip("/"), "oauth_pkce_enabled": True},
}
SOCIALACCOUNT_PROVIDERS: dict[str, Any] = {"openid_connect": {"APPS": [_OIDC_APP] if OIDC_SERVER else []}}

FORM_RENDERER = "aistrale.renderers.FormRenderer"
# A prompt of 500 messages and as many variables has 4,000.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5_000
CSRF_FAILURE_VIEW = "aistrale.errors.csrf_failure"
_OWN_ALONE = ("script-src", "style-src", "img-src", "font-src", "connect-src", "form-action")
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        **dict.fromkeys(("default-src", "object-src", "base-uri", "frame-ancestors"), ["'none'"]),
        **dict.fromkeys(_OWN_ALONE, ["'self'"]),
    }
}

# A request is logged when it ends. Addresses come from the connection, see aistrale.request_log: headers can lie.
DJANGO_STRUCTLOG_STATUS_START_LOG_LEVEL = logging.DEBUG
DJANGO_STRUCTLOG_IP_LOGGING_ENABLED = False
# Users are named by aistrale.request_log as well, once they are known: to log an outage, nobody is looked up.
DJANGO_STRUCTLOG_USER_ID_FIELD = ""

USE_I18N = False
FORMAT_MODULE_PATH = ["aistrale.formats"]
TIME_ZONE = "UTC"

STATIC_URL = f"{BASE_PATH}/static/"
_static_dir = env.str("AISTRALE_STATIC_DIR", "")
# An image brings them; elsewhere each start collects what has changed.
STATIC_IS_COLLECTED = bool(_static_dir)
STATIC_ROOT = Path(_static_dir) if _static_dir else DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "aistrale.static_storage.ModuleStorage"},
}

# The first master key wraps new data keys; every key listed can still unwrap old ones.
MASTER_KEYS = read_secret(env, "AISTRALE_MASTER_KEYS", keyfiles.master_keys_file(DATA_DIR))
# Days, 0 for never: when data keys are rotated by themselves, and when a primary one is too old.
KEY_ROTATION_DAYS = env.int("AISTRALE_KEY_ROTATION_DAYS", 0)
KEY_MAX_AGE_DAYS = env.int("AISTRALE_KEY_MAX_AGE_DAYS", 365)
# Hosts (`name` or `name:port`) that calls may go to although they are private, or without TLS.
PROVIDER_HOSTS: list[str] = env.list("AISTRALE_PROVIDER_HOSTS", [])
# The same for the receivers of webhooks.
WEBHOOK_HOSTS: list[str] = env.list("AISTRALE_WEBHOOK_HOSTS", [])

# A proxy for all requests to other servers but these hosts, and the certificate authorities to trust.
OUTGOING_PROXY = read_secret(env, "AISTRALE_OUTGOING_PROXY", DATA_DIR / "outgoing_proxy")
NO_PROXY: list[str] = [*env.list("AISTRALE_NO_PROXY", []), *outgoing.LOCAL]
CA_FILE = env.str("AISTRALE_CA_FILE", "")
outgoing.publish(proxy=OUTGOING_PROXY, no_proxy=NO_PROXY, ca_file=CA_FILE)

# Seconds: how long an attempt may take to connect, to say its first word, between words, and in all.
_timeouts = Timeouts()
PROVIDER_TIMEOUTS = {
    "connect": env.float("AISTRALE_TIMEOUT_CONNECT", _timeouts.connect),
    "first_token": env.float("AISTRALE_TIMEOUT_FIRST_TOKEN", _timeouts.first_token),
    "between_tokens": env.float("AISTRALE_TIMEOUT_BETWEEN_TOKENS", _timeouts.between_tokens),
    "total": env.float("AISTRALE_TIMEOUT_TOTAL", _timeouts.total),
}
RETRY_ATTEMPTS = env.int("AISTRALE_RETRY_ATTEMPTS", 3)
RETRY_LONGEST_WAIT = env.float("AISTRALE_RETRY_LONGEST_WAIT", 20.0)
# A run that nobody watches is stopped after the grace time; a shutdown lets runs end for the drain time.
RUN_GRACE_SECONDS = env.float("AISTRALE_RUN_GRACE_SECONDS", 30.0)
RUN_DRAIN_SECONDS = env.float("AISTRALE_RUN_DRAIN_SECONDS", 5.0)
# 0 is no limit: runs that one person may start within a minute, have open at once, all people together have open, and
# chat pages that one person may have connected at once.
LIMIT_RUNS_PER_MINUTE = env.int("AISTRALE_LIMIT_RUNS_PER_MINUTE", 60)
LIMIT_OPEN_RUNS = env.int("AISTRALE_LIMIT_OPEN_RUNS", 20)
LIMIT_OPEN_RUNS_IN_ALL = env.int("AISTRALE_LIMIT_OPEN_RUNS_IN_ALL", 0)
LIMIT_SOCKETS = env.int("AISTRALE_LIMIT_SOCKETS", 50)
# Files that one person may upload within a minute, and how many megabytes those take that are kept.
LIMIT_UPLOADS_PER_MINUTE = env.int("AISTRALE_LIMIT_UPLOADS_PER_MINUTE", 60)
LIMIT_FILES_MB = env.int("AISTRALE_LIMIT_FILES_MB", 1000)
# The same of requests that one API key may send within a minute; and how long a body may be.
LIMIT_API_READS = env.int("AISTRALE_LIMIT_API_READS", 12_000)
LIMIT_API_WRITES = env.int("AISTRALE_LIMIT_API_WRITES", 300)
# A key that was valid is looked up again after so long. Until then, that it was revoked is not noticed.
API_KEY_RECHECK_SECONDS = 1.0
API_MAX_BODY_BYTES = env.int("AISTRALE_API_MAX_BODY_BYTES", 1024 * 1024)
# A page that takes nothing of what it is sent for so long is cut off.
SLOW_CLIENT_SECONDS = env.float("AISTRALE_SLOW_CLIENT_SECONDS", 30.0)
# A run is taken for dead when its process has lost its lock and has given no sign of life for so long.
RUN_SILENCE_SECONDS = env.float("AISTRALE_RUN_SILENCE_SECONDS", 8.0)

# Days for which it is kept what calls have sent and been answered, 0 for ever. Their figures stay.
CONTENT_DAYS = env.int("AISTRALE_CONTENT_DAYS", 90)

# Of a job that fails. It waits 4, 16, 64, 256 and 1,024 seconds before each further attempt.
JOB_RETRY = RetryStrategy(max_attempts=5, exponential_wait=4)

# Whoever sends the token, or connects from one of the addresses or networks, may read /metrics; without either setting
# there is no such page.
METRICS_TOKEN = read_secret(env, "AISTRALE_METRICS_TOKEN", keyfiles.metrics_token_file(DATA_DIR))
METRICS_ADDRESSES: list[str] = env.list("AISTRALE_METRICS_ADDRESSES", [])
# Where a worker answers /metrics and /health/live, if anybody may read metrics.
WORKER_PORT = env.int("AISTRALE_WORKER_PORT", PORT + 1)

# OpenTelemetry: where traces go (`/v1/traces` is added), which share of them, and whether with what was said.
OTLP_ENDPOINT = env.str("AISTRALE_OTLP_ENDPOINT", "")
TRACE_RATIO = env.float("AISTRALE_TRACE_RATIO", 0.1, validate=validate.Range(0, 1))
TRACE_CONTENT = env.bool("AISTRALE_TRACE_CONTENT", False)
# Where log lines go beside standard error (`/v1/logs` is added).
OTLP_LOGS_ENDPOINT = env.str("AISTRALE_OTLP_LOGS_ENDPOINT", "")
# Sentry: without a DSN nothing leaves this server.
SENTRY_DSN = read_secret(env, "AISTRALE_SENTRY_DSN", DATA_DIR / "sentry_dsn")
ENVIRONMENT = env.str("AISTRALE_ENVIRONMENT", "production")

# The first audit key signs checkpoints and exports; what any key listed has signed is accepted.
AUDIT_KEYS = read_secret(env, "AISTRALE_AUDIT_KEY", keyfiles.audit_key_file(DATA_DIR))
CHECKPOINT_DIR = Path(env.str("AISTRALE_CHECKPOINT_DIR", str(DATA_DIR / "checkpoints")))
CHECKPOINT_URL = env.str("AISTRALE_CHECKPOINT_URL", "")
# Whichever comes first, if anything was recorded at all.
CHECKPOINT_ENTRIES = env.int("AISTRALE_CHECKPOINT_ENTRIES", 1000)
CHECKPOINT_MINUTES = env.int("AISTRALE_CHECKPOINT_MINUTES", 60)
