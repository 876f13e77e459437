// The build page follows its log. A frame on the socket only says that there is news: the server renders it.
import { localise, setServerTime, tick } from "./clock.js";
import { listen } from "./socket.js";

const COALESCE = 150;
const POLL = 10_000;
const LOOK_ANYWAY = 60_000; // an agent that hangs sends no event, and the page must say so
const NEAR_END = 80; // pixels
const MOST_SHOWN = 800; // entries in the page; beyond that the oldest are removed, and loaded again on demand
const KEPT_SHOWN = 600;
const FAR_BEHIND = 1000; // events: it is quicker to load the end again than to catch up
const ACK_FRAMES = 100;
const SIGNED_OUT = 4401;
const PATIENCE = 15_000; // a response that takes longer is not coming

const page = document.querySelector("[data-build]");
const feed = document.getElementById("feed");
const jump = document.getElementById("jump");
const unconnected = document.getElementById("unconnected");
const earlierAgain = document.getElementById("earlier-again");

let seen = Number(page.dataset.seq);
let unread = 0;
let asking = false;
let again = false;
let timer = 0;
let wantsAll = false; // also the panels that no event has changed
let connectedAt = Date.now();

const entries = () => document.getElementById("entries");
const phase = () => new URLSearchParams(location.search).get("phase") ?? "";
const atEnd = () => feed.scrollHeight - feed.scrollTop - feed.clientHeight < NEAR_END;
const toEnd = () => { feed.scrollTop = feed.scrollHeight; };

// --- showing news -------------------------------------------------------------------------------------------

// What the server said, without what differs in every response or counts by itself.
function said(element) {
  const copy = element.cloneNode(true);
  for (const token of copy.querySelectorAll("input[name=csrfmiddlewaretoken]")) token.remove();
  for (const ticking of copy.querySelectorAll("[data-countdown], [data-ago], [data-clock]")) ticking.textContent = "";
  for (const clock of copy.querySelectorAll("[data-clock]")) clock.removeAttribute("title");
  for (const open of copy.querySelectorAll("details[open]")) open.removeAttribute("open");
  return copy.innerHTML.replace(/\s+/g, " ");
}

const shown = new Map([...document.querySelectorAll("[data-live]")].map((part) => [part.id, state(part)]));

function state(part) {
  return `${part.dataset.version ?? ""} ${said(part)}`;
}

function replacePart(fresh) {
  const old = document.getElementById(fresh.id);
  const now = state(fresh);
  if (!old || shown.get(fresh.id) === now) return;
  shown.set(fresh.id, now);
  const focused = old.contains(document.activeElement) ? document.activeElement.id : "";
  keepTyped(old, fresh);
  for (const open of old.querySelectorAll("details[open][id]")) {
    fresh.querySelector(`#${CSS.escape(open.id)}`)?.setAttribute("open", "");
  }
  old.replaceWith(fresh);
  htmx.process(fresh);
  localise(fresh);
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
}

function keepTyped(old, fresh) {
  for (const field of old.querySelectorAll("textarea[id], input[id]")) {
    const again = field.value !== field.defaultValue && fresh.querySelector(`#${CSS.escape(field.id)}`);
    if (again) again.value = field.value;
  }
}

function replaceEntry(old, fresh) {
  if (old.querySelector("details[open]")) fresh.querySelector("details")?.setAttribute("open", "");
  old.replaceWith(fresh);
}

function addEntry(fresh) {
  const old = document.getElementById(fresh.id);
  if (old) replaceEntry(old, fresh);
  else entries().append(fresh);
  htmx.process(fresh);
  localise(fresh);
  return !old;
}

function show(html) {
  const news = new DOMParser().parseFromString(html, "text/html").getElementById("news");
  if (!news) throw new Error("The answer holds no news.");
  const following = atEnd();
  const added = [...news.querySelectorAll(":scope > ol > li")].filter((entry) => addEntry(document.adoptNode(entry)));
  for (const part of [...news.querySelectorAll("[data-live]")]) replacePart(document.adoptNode(part));
  setServerTime(news.dataset.now);
  tick();
  document.title = news.dataset.title;
  seen = Math.max(seen, Number(news.dataset.seq));
  if (following) {
    dropOldest();
    toEnd();
  } else if (added.length) offerJump(added.length);
  return { more: news.dataset.more === "true", behind: following && Number(news.dataset.last) - seen > FAR_BEHIND };
}

function feedAddress(query) {
  const address = new URL(page.dataset.feed, location.href);
  for (const [name, value] of Object.entries({ ...query, ...(phase() && { phase: phase() }) })) {
    address.searchParams.set(name, value);
  }
  return address.pathname + address.search;
}

// A page that stays open for days must stay small enough to scroll smoothly.
function dropOldest() {
  const list = entries();
  if (list.children.length <= MOST_SHOWN) return;
  while (list.children.length > KEPT_SHOWN || !list.firstElementChild.dataset.seq) list.firstElementChild.remove();
  const earlier = earlierAgain.content.firstElementChild.cloneNode(true);
  earlier.querySelector("button").setAttribute("hx-get", feedAddress({ before: list.firstElementChild.dataset.seq }));
  list.prepend(earlier);
  htmx.process(earlier);
}

// The page as it is now, used only for its log.
async function readAnew() {
  const answer = await get(location.href);
  if (!answer.ok || answer.redirected) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  entries().replaceWith(document.adoptNode(fresh.getElementById("entries")));
  seen = Number(fresh.querySelector("[data-build]").dataset.seq);
  entriesAreNew();
}

function entriesAreNew() {
  htmx.process(entries());
  localise(entries());
  unread = 0;
  jump.hidden = true;
  toEnd();
}

function offerJump(count) {
  unread += count;
  jump.textContent = `${unread} new, jump to latest`;
  jump.hidden = false;
}

// --- asking for news ----------------------------------------------------------------------------------------

function ring() {
  if (!timer) timer = setTimeout(() => { timer = 0; ask(); }, COALESCE);
}

function ringForAll() {
  wantsAll = true;
  ring();
}

async function ask() {
  if (asking) { again = true; return; }
  const all = wantsAll;
  asking = true;
  again = wantsAll = false;
  try {
    const answer = await get(feedAddress({ after: seen, ...(all && { all: 1 }) })).catch(() => null);
    tellConnected(answer !== null);
    wantsAll ||= all && !answer?.ok;
    if (answer?.redirected) tellSignedOut();
    else if (answer?.ok) {
      const { more, behind } = show(await answer.text());
      if (behind) await readAnew();
      again ||= more || behind;
    }
  } finally {
    asking = false;
    if (again) ring();
  }
}

const get = (address) => fetch(address, { headers: { Accept: "text/html" }, signal: AbortSignal.timeout(PATIENCE) });

// A page without a connection must not look up to date.
function tellConnected(isConnected) {
  if (isConnected) connectedAt = Date.now();
  unconnected.hidden = isConnected;
  unconnected.querySelector("time").textContent = new Date(connectedAt).toLocaleTimeString([], { timeStyle: "short", hourCycle: "h23" });
}

// Nothing reloads by itself: what is being typed must not be lost.
function tellSignedOut() {
  const note = document.getElementById("signed-out").content.cloneNode(true);
  document.getElementById("notices").replaceChildren(note);
}

// --- the socket ---------------------------------------------------------------------------------------------

// One acknowledgement for many frames; the server waits for it after 500.
let acknowledged = 0;

function acknowledge(seq) {
  if (seq - acknowledged < ACK_FRAMES) return;
  acknowledged = seq;
  socket.send({ ack: seq });
}

function addressAfterSeen() {
  acknowledged = seen;
  return `/ws/jobs/${page.dataset.build}/?after=${seen}`;
}

function hear({ seq }) {
  if (!seq) return;
  acknowledge(seq);
  if (seq > seen) ring();
}

// What is inserted above must not move what is being read; not every browser takes care of that.
let below = null;
document.addEventListener("htmx:beforeSwap", ({ target }) => {
  below = target.matches?.(".earlier") ? feed.scrollHeight - feed.scrollTop : null;
});
document.addEventListener("htmx:afterSwap", ({ detail }) => {
  if (below !== null) feed.scrollTop = feed.scrollHeight - below;
  below = null;
  if (detail.requestConfig?.elt?.id === "filter") entriesAreNew();
});

feed.addEventListener("scroll", () => {
  if (!atEnd()) return;
  unread = 0;
  jump.hidden = true;
});
jump.addEventListener("click", () => { toEnd(); feed.focus({ preventScroll: true }); });
document.addEventListener("build-changed", ringForAll);
document.addEventListener("htmx:afterSettle", (event) => localise(event.target));
document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-open]");
  if (opener) document.getElementById(opener.dataset.open)?.setAttribute("open", "");
});
setInterval(() => { if (!socket.isOpen()) ask(); }, POLL);
setInterval(ringForAll, LOOK_ANYWAY);
addEventListener("online", ringForAll);
addEventListener("offline", () => tellConnected(false));
document.addEventListener("visibilitychange", () => { if (!document.hidden) ring(); });

toEnd();
const socket = listen(addressAfterSeen, {
  opened: ring,
  heard: hear,
  refused: (code) => { if (code === SIGNED_OUT) tellSignedOut(); },
});
