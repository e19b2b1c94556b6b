"""The application as an ASGI server runs it: pages by Django, sockets by Channels."""

import os

from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from channels.sessions import CookieMiddleware, SessionMiddleware
from django.core.asgi import get_asgi_application
from django.utils.module_loading import import_string

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "aistrale.settings")
pages = get_asgi_application()

# What needs models can be imported only now that Django is set up.
runs = import_string("aistrale.process.runs")
routes = import_string("inference.routing.websocket_urlpatterns")(runs)
sockets = AllowedHostsOriginValidator(CookieMiddleware(SessionMiddleware(URLRouter(routes))))
application = ProtocolTypeRouter({"http": pages, "websocket": sockets})
