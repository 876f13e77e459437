"""A small app to visit: a shelf from which things are borrowed, with a cookie for each visitor."""

from tests.agents.preview.hostile import App

SHELF = """<!doctype html><html lang="en"><title>Shelf</title><h1>Tool shelf</h1>
<label>Your name <input id="who"></label>
<label>Tool <select id="tool"><option>Drill<option>Saw</select></label>
<button onclick="lend()">Borrow</button> <a href="/about">About</a>
<a href="/about" target="_blank">In a new tab</a>
<a href="{inner}/away">Away</a> <button>Twice</button><button>Twice</button>
<label>Photo <input type="file" onchange="said.textContent = 'You sent ' + this.files[0].name"></label>
<p id="said"></p><ul id="list"></ul>
<script>
  const said = document.getElementById('said')
  document.getElementById('who').value = localStorage.who || ''
  function lend() {{
    localStorage.who = who.value
    if (!who.value) {{ confirm('Without a name?'); console.error('no name'); fetch('/missing'); return }}
    setTimeout(() => list.insertAdjacentHTML('beforeend', `<li>${{tool.value}}: ${{who.value}}</li>`), 200)
  }}
</script>"""


def open_shelf(app: App, inner: str = "http://127.0.0.1:9") -> None:
    app.pages["/"] = SHELF.format(inner=inner)
    app.pages["/about"] = "<title>About</title><h1>About us</h1><p>A library of tools.</p>"
    app.pages["/busy"] = "<title>Busy</title>busy<script>setTimeout(() => {for (;;);}, 50)</script>"
