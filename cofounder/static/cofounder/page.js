// What every page does: counting, notes that can be closed, menus that close themselves.
import { localise, setServerTime, tick } from "./clock.js";
import { forgetSent } from "./drafts.js";

setServerTime(document.querySelector("[data-now]")?.dataset.now);
localise(document);
tick();
setInterval(tick, 1000);
forgetSent();

document.addEventListener("click", (event) => {
  event.target.closest("[data-dismiss]")?.parentElement.remove();
  for (const menu of document.querySelectorAll("details.menu[open], details.stop[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

function offerCopies(root) {
  for (const button of root.querySelectorAll("[data-copy]")) button.hidden = !navigator.clipboard;
}
offerCopies(document);
document.addEventListener("htmx:afterSettle", ({ target }) => offerCopies(target));
document.addEventListener("click", async ({ target }) => {
  const button = target.closest("[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
  button.textContent = "Copied";
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const menu = document.querySelector("details.menu[open], details.stop[open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});

document.addEventListener("htmx:afterRequest", (event) => {
  const form = event.target.closest?.("form[data-clear]");
  if (form && event.detail.successful) form.reset();
});

// A success message closes by itself; an error stays until it is closed.
function letGoodNewsLeave() {
  for (const note of document.querySelectorAll("#notices .notice:not(.refused, .error)")) setTimeout(() => note.remove(), 8000);
}
letGoodNewsLeave();
document.addEventListener("htmx:afterSwap", letGoodNewsLeave);

document.addEventListener("htmx:sendError", () => {
  const note = document.createElement("div");
  note.className = "notice refused";
  const words = document.createElement("p");
  words.textContent = "There is no connection. Nothing was sent; try again in a moment.";
  note.append(words);
  document.getElementById("notices").replaceChildren(note);
});
