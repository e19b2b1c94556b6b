"""The application as an ASGI server runs it: pages by Django, sockets by Channels."""

import os
from typing import Any

from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import OriginValidator
from channels.sessions import CookieMiddleware
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.utils.module_loading import import_string

from aistrale.forwarded import Forwarded

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "aistrale.settings")
pages = get_asgi_application()

# What needs models can be imported only now that Django is set up.
runs = import_string("aistrale.process.runs")
routes = import_string("inference.routing.websocket_urlpatterns")(runs)


def sockets() -> Any:
    """Opened by pages of the site alone, even where it answers under any name, as it may while it is developed."""
    origins = [host for host in settings.ALLOWED_HOSTS if host and host != "*"] or [settings.PUBLIC_URL]
    return OriginValidator(CookieMiddleware(URLRouter(routes)), origins)


application = Forwarded(ProtocolTypeRouter({"http": pages, "websocket": sockets()}), proxies=settings.PROXIES)
