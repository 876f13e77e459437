// Drafts of the new-project form, kept in this browser until the project exists.
const PREFIX = "cofounder.draft.";
const SENT = "cofounder.draft-sent";

export function read(name) {
  try {
    return JSON.parse(localStorage.getItem(PREFIX + name)) ?? null;
  } catch {
    return null;
  }
}

export function keep(name, draft) {
  try {
    localStorage.setItem(PREFIX + name, JSON.stringify(draft));
    return true;
  } catch {
    return false; // private mode, or no space: the form works without it
  }
}

export function markSent(name) {
  try {
    localStorage.setItem(SENT, name);
  } catch {
    // as above
  }
}

// Any other page that opens after the form was sent proves that it arrived.
export function forgetSent() {
  try {
    const name = localStorage.getItem(SENT);
    localStorage.removeItem(SENT);
    if (name && !document.querySelector("[data-draft]")) localStorage.removeItem(PREFIX + name);
  } catch {
    // as above
  }
}
