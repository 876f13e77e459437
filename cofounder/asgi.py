"""The ASGI application: HTTP by Django, WebSockets by Channels."""

import gc
import os
from importlib import import_module

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cofounder.settings")

from cofounder.config.spared import OPTIONAL, spared

with spared(*OPTIONAL):
    from django.conf import settings
    from django.core.asgi import get_asgi_application

    http = get_asgi_application()  # loads the apps, which the imports below need
    import_module(settings.ROOT_URLCONF)  # here rather than while the first visitor waits

from channels.routing import ProtocolTypeRouter, URLRouter

from cofounder.http.body_limits import bounded
from cofounder.http.no_body import without_body
from cofounder.http.websocket_frames import share
from cofounder.http.websocket_login import signed_in
from cofounder.http.websocket_origin import own_pages_only
from jobs.sockets.routing import websocket_urlpatterns

application = ProtocolTypeRouter(
    {
        "http": without_body(bounded(http)),
        "websocket": own_pages_only(signed_in(URLRouter(websocket_urlpatterns))),
    }
)
share()

# What is loaded by now stays. Otherwise the collector looks through all of it every now and then, while every
# socket of the process waits a quarter of a second.
gc.collect()
gc.freeze()
