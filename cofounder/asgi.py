"""The ASGI application: HTTP by Django, WebSockets by Channels."""

import gc
import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cofounder.settings")

from django.core.asgi import get_asgi_application

http = get_asgi_application()  # loads the apps, which the imports below need

from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402

from cofounder.http.body_limits import bounded  # noqa: E402
from cofounder.http.no_body import without_body  # noqa: E402
from cofounder.http.websocket_frames import share  # noqa: E402
from cofounder.http.websocket_login import signed_in  # noqa: E402
from cofounder.http.websocket_origin import own_pages_only  # noqa: E402
from jobs.sockets.routing import websocket_urlpatterns  # noqa: E402

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
