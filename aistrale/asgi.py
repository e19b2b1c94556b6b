"""The application as an ASGI server runs it: pages by Django, sockets by Channels."""

import os
from typing import Any

import django
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import WebsocketDenier
from channels.sessions import CookieMiddleware
from django.apps import apps
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.urls import re_path
from django.utils.module_loading import import_string

from aistrale.api_handler import ApiHandler
from aistrale.base_path import BasePath
from aistrale.forwarded import Forwarded
from aistrale.origins import OwnPages
from aistrale.page_queue import PageQueue

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "aistrale.settings")
# A command has done so; twice would set the log up anew, without what Sentry and OTLP have added to it.
if not apps.ready:
    django.setup()
pages = ApiHandler(ASGIHandler(), threads=settings.PAGES_AT_ONCE)
requests = PageQueue(pages, at_once=settings.PAGES_AT_ONCE)

# What needs models can be imported only now that Django is set up.
runs = import_string("aistrale.process.runs")
routes = import_string("inference.routing.websocket_urlpatterns")(runs)


# Else an address that nobody knows would be an error of ours.
nothing: Any = WebsocketDenier.as_asgi()
sockets = OwnPages(CookieMiddleware(URLRouter([*routes, re_path("", nothing)])))

router = ProtocolTypeRouter({"http": requests, "websocket": sockets})
application = Forwarded(BasePath(router, settings.BASE_PATH), proxies=settings.PROXIES)
