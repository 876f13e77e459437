// The build page follows its log. A frame on the socket is only a doorbell: the server renders the news.
import { localise, setServerTime, tick } from "./clock.js";

const COALESCE = 150;
const POLL = 10_000;
const LOOK_ANYWAY = 60_000; // an agent that falls silent rings no bell, and the page must say so
const LONGEST_WAIT = 30_000;
const NEAR_END = 80; // pixels

const page = document.querySelector("[data-build]");
const feed = document.getElementById("feed");
const entries = document.getElementById("entries");
const jump = document.getElementById("jump");

let seen = Number(page.dataset.seq);
let unread = 0;
let asking = false;
let again = false;
let timer = 0;
let socket = null;
let failures = 0;

const atEnd = () => feed.scrollHeight - feed.scrollTop - feed.clientHeight < NEAR_END;
const toEnd = () => { feed.scrollTop = feed.scrollHeight; };

// --- showing news -------------------------------------------------------------------------------------------

// What the server said, without what differs in every answer or ticks by itself.
function said(element) {
  const copy = element.cloneNode(true);
  for (const token of copy.querySelectorAll("input[name=csrfmiddlewaretoken]")) token.remove();
  for (const ticking of copy.querySelectorAll("[data-countdown], [data-ago]")) ticking.textContent = "";
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
  for (const open of old.querySelectorAll("details[open][id]")) {
    fresh.querySelector(`#${CSS.escape(open.id)}`)?.setAttribute("open", "");
  }
  old.replaceWith(fresh);
  htmx.process(fresh);
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
}

function replaceEntry(old, fresh) {
  if (old.querySelector("details[open]")) fresh.querySelector("details")?.setAttribute("open", "");
  old.replaceWith(fresh);
}

function addEntry(fresh) {
  const old = document.getElementById(fresh.id);
  if (old) replaceEntry(old, fresh);
  else entries.append(fresh);
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
  if (following) toEnd();
  else if (added.length) offerJump(added.length);
  return news.dataset.more === "true";
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

async function ask() {
  if (asking) { again = true; return; }
  asking = true;
  again = false;
  try {
    const answer = await fetch(`${page.dataset.feed}?after=${seen}`, { headers: { Accept: "text/html" } });
    if (answer.redirected) location.reload(); // signed out meanwhile
    if (answer.ok && show(await answer.text())) again = true;
  } catch {
    // The next ring, the poll or the reconnect asks again.
  } finally {
    asking = false;
    if (again) ring();
  }
}

// --- the doorbell -------------------------------------------------------------------------------------------

function connect() {
  const address = new URL(`/ws/jobs/${page.dataset.build}/?after=${seen}`, location.href);
  address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  socket = new WebSocket(address);
  socket.onopen = () => { failures = 0; ring(); };
  socket.onmessage = (message) => {
    const { seq } = JSON.parse(message.data);
    if (!seq) return;
    socket.send(JSON.stringify({ ack: seq }));
    if (seq > seen) ring();
  };
  socket.onclose = ({ code }) => {
    if (code >= 4400 && code < 4500) return; // refused for a reason that a new try does not change
    const wait = Math.min(LONGEST_WAIT, 500 * 2 ** failures) * (0.75 + Math.random() / 2);
    failures += 1;
    setTimeout(connect, wait);
  };
}

feed.addEventListener("scroll", () => {
  if (!atEnd()) return;
  unread = 0;
  jump.hidden = true;
});
jump.addEventListener("click", () => { toEnd(); feed.focus({ preventScroll: true }); });
document.addEventListener("build-changed", ring);
document.addEventListener("htmx:afterSettle", (event) => localise(event.target));
document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-to-question]")) return;
  const card = document.querySelector("#entries .card.pending");
  if (!card) return;
  event.preventDefault();
  card.scrollIntoView({ block: "center" });
  card.querySelector("button")?.focus({ preventScroll: true });
});
setInterval(() => { if (socket?.readyState !== WebSocket.OPEN) ask(); }, POLL);
setInterval(ask, LOOK_ANYWAY);
addEventListener("online", ring);
document.addEventListener("visibilitychange", () => { if (!document.hidden) ring(); });

toEnd();
connect();
