"""The frame around every page."""

from web import Safe, markup


def frame(title, body, *, name, mark, links, foot):
    """A whole page; `links` are (address, words), `foot` is said at the bottom."""
    return markup(
        """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>$title</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/base.css">
<link rel="stylesheet" href="/theme.css">
</head>
<body>
<a class="skip" href="#main">Skip to the page</a>
<header class="top"><div class="wrap">
<a class="brand" href="/">$mark $name</a>
$nav
</div></header>
<main id="main" class="wrap">$body</main>
<footer class="foot"><div class="wrap"><p>$foot</p></div></footer>
</body>
</html>""",
        title=title if title == name else f"{title} · {name}",
        mark=drawing(mark),
        name=name,
        nav=navigation(links),
        body=body,
        foot=foot,
    )


def navigation(links):
    shown = [markup('<a href="$to">$words</a>', to=to, words=words) for to, words in links]
    return markup('<nav aria-label="Pages">$links</nav>', links=shown) if shown else Safe()


def drawing(strokes):
    """A line drawing, given as the path of its strokes."""
    return Safe(
        '<svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.5" stroke-linecap="round"'
        f' stroke-linejoin="round" aria-hidden="true"><path d="{strokes}"/></svg>'
    )
