// Counts real seconds, by the server's clock: the browser's may be wrong.
let ahead = 0;

export function setServerTime(iso) {
  if (iso) ahead = Date.parse(iso) - Date.now();
}

function words(milliseconds) {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  const [days, hours, minutes] = [Math.floor(seconds / 86400), Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60];
  const two = (number) => String(number).padStart(2, "0");
  if (days) return `${days} d ${hours} h`;
  if (hours) return `${hours} h ${two(minutes)} min`;
  return minutes ? `${minutes} min ${two(seconds % 60)} s` : `${seconds} s`;
}

function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function tick() {
  const now = Date.now() + ahead;
  for (const element of document.querySelectorAll("[data-countdown]")) {
    const left = Date.parse(element.dataset.countdown) - now;
    put(element, left > 0 ? words(left) : "a moment");
  }
  for (const element of document.querySelectorAll("[data-ago]")) {
    const past = now - Date.parse(element.dataset.ago);
    put(element, past < 5000 ? "just now" : `${words(past)} ago`);
  }
}

const CLOCK = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
const DAY = { day: "numeric", month: "long", ...CLOCK };
const PRECISE = { day: "numeric", month: "short", second: "2-digit", ...CLOCK };

// Every moment in the reader's own time; the zone is said on hover.
export function localise(root) {
  for (const element of root.querySelectorAll("time[data-clock]")) {
    const moment = new Date(element.dateTime);
    put(element, moment.toLocaleString([], element.dataset.clock === "day" ? DAY : CLOCK));
    element.title = moment.toLocaleString([], { dateStyle: "full", timeStyle: "long" });
  }
  for (const option of root.querySelectorAll("option[data-moment]")) {
    put(option, `${new Date(option.dataset.moment).toLocaleString([], PRECISE)}, ${option.dataset.words}`);
  }
}
