// The interview's page follows its version: the socket says that it has changed, the server renders it.
import { listen } from "./socket.js";

const TYPED = 600; // after the last key, until what was typed is kept on the server
const POLL = 2_000; // while a question is being thought of
const LOOK = 15_000;

let asking = false;
let again = false;
let timer = 0;

const part = () => document.getElementById("interview");
const version = () => Number(part().dataset.version);
const isThinking = () => part().dataset.state === "thinking";

// --- showing what is new ------------------------------------------------------------------------------------

async function look() {
  if (asking) { again = true; return; }
  asking = true;
  again = false;
  try {
    const answer = await fetch(part().dataset.page, { headers: { "HX-Request": "true" }, signal: AbortSignal.timeout(10_000) });
    const target = answer.headers.get("HX-Redirect");
    if (target) location.assign(target);
    else if (answer.ok && !answer.redirected) show(await answer.text());
  } catch {
    // no connection: the next look finds the same
  } finally {
    asking = false;
    if (again) look();
  }
}

function show(html) {
  const fresh = new DOMParser().parseFromString(html, "text/html").getElementById("interview");
  if (!fresh || Number(fresh.dataset.version) <= version()) return;
  const wasWaiting = isThinking();
  const isOpen = document.getElementById("earlier-answers")?.open;
  part().replaceWith(document.adoptNode(fresh));
  htmx.process(part());
  if (isOpen) document.getElementById("earlier-answers")?.setAttribute("open", "");
  arrived(wasWaiting);
}

// A question that has just come is read out and begins on top; the end goes on to the brief by itself.
function arrived(wasWaiting) {
  if (!wasWaiting) return;
  const done = part().querySelector("form[data-done]");
  if (done) done.requestSubmit();
  else {
    document.getElementById("question-title")?.focus({ preventScroll: true });
    scrollTo({ top: 0 });
  }
}

// --- what is typed ------------------------------------------------------------------------------------------

async function keepTyped(form) {
  const kept = form.querySelector("[data-kept]");
  const answer = await fetch(part().dataset.typed, { method: "POST", body: new FormData(form) }).catch(() => null);
  if (kept) kept.textContent = answer?.ok ? "Kept." : "Not kept yet: there is no connection.";
}

document.addEventListener("input", ({ target }) => {
  if (target.id !== "own") return;
  clearTimeout(timer);
  timer = setTimeout(() => keepTyped(target.form), TYPED);
});
document.addEventListener("htmx:beforeRequest", () => clearTimeout(timer));
document.addEventListener("htmx:afterSwap", () => scrollTo({ top: 0 }));

// --- the socket ---------------------------------------------------------------------------------------------

listen(() => `/ws/interviews/${part().dataset.interview}/`, {
  opened: look,
  heard: (news) => { if (news.version > version()) look(); },
});
setInterval(() => { if (isThinking()) look(); }, POLL);
setInterval(look, LOOK);
document.addEventListener("visibilitychange", () => { if (!document.hidden) look(); });
