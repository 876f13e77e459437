"""What the worker's browser can be led to: the app itself, and nothing else. With a real Chromium."""

from collections.abc import AsyncIterator

import pytest

from agents.outside.allowances import PublicAddresses
from agents.preview import browser, screenshots
from agents.preview.browser import PageDown, PageLeft
from tests.agents.preview.hostile import App, Inner, hostile_app, inner_listener

pytestmark = [pytest.mark.services, pytest.mark.browser]

# Each asks the inner listener for a path of its own name.
PARTS = {
    "image": '<img src="{inner}/image">',
    "image-redirect": '<img src="/redirect-image">',
    "frame": '<iframe src="{inner}/frame"></iframe>',
    "frame-redirect": '<iframe src="/redirect-frame"></iframe>',
    "object": '<object data="{inner}/object"></object>',
    "style": '<link rel="stylesheet" href="{inner}/style">',
    "prefetch": '<link rel="prefetch" href="{inner}/prefetch">',
    "video": '<video src="{inner}/video"></video>',
    "script": '<script src="{inner}/script"></script>',
    "fetch": "<script>fetch('{inner}/fetch', {{mode: 'no-cors'}}).catch(() => 0)</script>",
    "fetch-redirect": "<script>fetch('/redirect-fetch').catch(() => 0)</script>",
    "post": "<script>fetch('{inner}/post', {{method: 'POST', body: 'x', mode: 'no-cors'}})</script>",
    "beacon": "<script>navigator.sendBeacon('{inner}/beacon', 'x')</script>",
    "events": "<script>new EventSource('{inner}/events')</script>",
    "socket": "<script>new WebSocket('{socket}/socket')</script>",
    "worker": (
        "<script>new Worker(URL.createObjectURL(new Blob([`fetch('{inner}/worker', {{mode: 'no-cors'}})`])))"
        "</script>"
    ),
    "form-in-frame": (
        '<iframe name="f"></iframe><form id="g" target="f" method="post" action="{inner}/form-in-frame">'
        "</form><script>g.submit()</script>"
    ),
    "popup": "<script>window.open('{inner}/popup')</script>",
}
# These need no answer to do harm: the listener sees a connection or a datagram.
UNDER_THE_PROXY = """
<link rel="dns-prefetch" href="//localhost"><link rel="preconnect" href="{inner}">
<a href="{inner}/ping" ping="{inner}/ping" id="a">a</a>
<script>
  const peer = new RTCPeerConnection({{iceServers: [
    {{urls: 'stun:127.0.0.1:{port}'}}, {{urls: 'stun:localhost:{port}'}},
    {{urls: 'turn:127.0.0.1:{port}?transport=tcp', username: 'u', credential: 'c'}},
    {{urls: 'turn:[::1]:{port}?transport=tcp', username: 'u', credential: 'c'}},
    {{urls: 'turns:127.0.0.1:{port}', username: 'u', credential: 'c'}}]}});
  peer.createDataChannel('x'); peer.createOffer().then(offer => peer.setLocalDescription(offer));
  try {{ new WebTransport('https://127.0.0.1:{port}/').ready.catch(() => 0) }} catch (e) {{}}
  new WebSocket('wss://127.0.0.1:{port}/');
</script>
"""
LEAVING = {
    "a redirect": None,
    "a refresh": '<meta http-equiv="refresh" content="0;url={inner}/">',
    "a script": "<script>location.href = '{inner}/'</script>",
    "a form": '<form id="g" method="post" action="{inner}/"></form><script>g.submit()</script>',
    "a script, over TLS": "<script>location.href = '{inner}/'.replace('http', 'https')</script>",
    "a frame": "<iframe srcdoc=\"<script>top.location = '{inner}/'</script>\"></iframe>",
}
SPELLINGS = [
    "127.0.0.1",
    "127.1",
    "2130706433",
    "0x7f000001",
    "0177.0.0.1",
    "0.0.0.0",
    "0",
    "localhost",
    "localhost.",
    "x.localhost",
    "x.localhost.",
    "app.localhost.",
    "app.localhost",  # the app's own host, another port
    "app.localhost@127.0.0.1",
    "app.localhost%2e@127.0.0.1",
    "127。0。0。1",
    "[::1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[64:ff9b::7f00:1]",
    "169.254.169.254",
    "metadata.google.internal.",
    "10.1.2.3",
    "192.168.1.1",
    "100.100.100.200",
    "[fd00:ec2::254]",
    "no-such-name.invalid",
]


@pytest.fixture
async def app() -> AsyncIterator[App]:
    if not browser.find_chromium():
        pytest.skip("CANNOT RUN: there is no Chromium on this machine")
    async with hostile_app() as running:
        yield running
        await browser.close()


@pytest.fixture
async def inner() -> AsyncIterator[Inner]:
    async with inner_listener() as listening:
        yield listening


def lead_inwards(app: App, inner: Inner) -> None:
    base = f"http://127.0.0.1:{inner.port}"
    parts = [part.format(inner=base, socket=base.replace("http", "ws")) for part in PARTS.values()]
    app.pages["/"] = f"<title>mine</title><h1>Mine</h1>{''.join(parts)}"
    for name in PARTS:
        if name.endswith("-redirect"):
            app.redirects[f"/redirect-{name.removesuffix('-redirect')}"] = f"{base}/{name}"


async def test_no_part_of_a_page_reaches_the_inside(app: App, inner: Inner) -> None:
    lead_inwards(app, inner)
    shot = await screenshots.take(app.url)
    assert inner.heard == []
    assert (shot.title, shot.is_blank) == ("mine", False)
    assert shot.refused == (f"127.0.0.1:{inner.port}",)


async def test_each_of_these_parts_would_reach_the_inside_if_it_were_allowed(app: App, inner: Inner) -> None:
    """Without this, the test above could be right for the wrong reason."""
    lead_inwards(app, inner)
    await screenshots.take_under(PublicAddresses(private_too=True), app.url)
    assert {name for name in PARTS if f"/{name}" not in inner.heard} == set()


async def test_nothing_goes_past_the_proxy(app: App, inner: Inner) -> None:
    base = f"http://127.0.0.1:{inner.port}"
    app.pages["/"] = f"<h1>Mine</h1>{UNDER_THE_PROXY.format(inner=base, port=inner.port)}"
    shot = await screenshots.take(app.url)
    assert inner.heard == []
    assert not shot.is_blank


@pytest.mark.parametrize("page", LEAVING.values(), ids=LEAVING.keys())
async def test_a_page_that_leads_away_is_not_followed(app: App, inner: Inner, page: str | None) -> None:
    base = f"http://127.0.0.1:{inner.port}"
    app.redirects["/"] = f"{base}/"
    if page is not None:
        del app.redirects["/"]
        app.pages["/"] = page.format(inner=base)
    with pytest.raises(
        PageLeft, match=rf"leads to 127\.0\.0\.1:{inner.port}, which is not a part of the app"
    ):
        await screenshots.take(app.url)
    assert inner.heard == []


@pytest.mark.parametrize(
    "place", ["file:///etc/passwd", "chrome://version/", "view-source:http://localhost/"]
)
async def test_a_redirect_to_what_is_no_web_address_fails(app: App, place: str) -> None:
    app.redirects["/"] = place
    with pytest.raises(PageDown):
        await screenshots.take(app.url)


async def test_no_spelling_of_an_address_gets_inside(app: App, inner: Inner) -> None:
    tries = "".join(
        f"""<img src="http://{place}:{inner.port}/"><iframe src="http://{place}:{inner.port}/"></iframe>
        <script>
          fetch('http://{place}:{inner.port}/', {{mode: 'no-cors'}}).catch(() => 0);
          try {{ new WebSocket('ws://{place}:{inner.port}/') }} catch (e) {{}}
        </script>"""
        for place in SPELLINGS
    )
    app.pages["/"] = f'<meta charset="utf-8"><h1>Mine</h1>{tries}'
    shot = await screenshots.take(app.url)
    assert inner.heard == []
    assert not shot.is_blank
    assert f"169.254.169.254:{inner.port}" in shot.refused


async def test_no_other_port_of_this_machine_is_reached(app: App, inner: Inner) -> None:
    """Not even through the proxy itself, whose port a page may guess."""
    app.pages["/"] = (
        f'<h1>Mine</h1><img src="http://app.localhost:{inner.port}/"><img src="http://app.localhost/">'
    )
    shot = await screenshots.take(app.url)
    assert inner.heard == []
    assert shot.refused == (f"app.localhost:{inner.port}", "app.localhost:80")


async def test_the_apps_own_pages_scripts_and_sockets_work(app: App) -> None:
    app.redirects["/"] = "/home?a=b"
    app.redirects["/old.js"] = f"{app.url}/new.js"
    app.pages["/favicon.ico"] = ""
    app.pages["/new.js"] = "document.body.append('written by a script')"
    app.pages["/home"] = """<title>waiting</title><body><script src="/old.js"></script><script>
      const socket = new WebSocket(`ws://${location.host}/ws`);
      socket.onopen = () => socket.send('echoed');
      socket.onmessage = message => { document.title = message.data };
    </script>"""
    shot = await screenshots.take(app.url)
    assert (shot.title, shot.is_blank, shot.problems, shot.refused) == ("echoed", False, (), ())


async def test_a_download_is_not_kept(app: App) -> None:
    app.pages["/"] = "<h1>Mine</h1><a download href='data:text/plain,x' id='a'></a><script>a.click()</script>"
    assert not (await screenshots.take(app.url)).is_blank


@pytest.mark.parametrize("url", ["file:///etc/passwd", "chrome://version/", "javascript:1", "http://["])
async def test_only_addresses_of_apps_are_opened(url: str) -> None:
    with pytest.raises(PageDown):
        await screenshots.take(url)
