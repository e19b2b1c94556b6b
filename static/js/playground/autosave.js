// What is typed is saved by itself, a moment later; whoever runs waits until all of it is.
const DELAY = 600;
const waiting = new Map();
const saving = new Map();

function note(text) {
  const place = document.getElementById("saved");
  if (place) place.textContent = text;
}

async function post(form, step) {
  const values = step ? { step } : {};
  note("Saving…");
  try {
    await htmx.ajax("POST", form.action, { source: form, values, swap: "none" });
  } catch {
    note("Not saved: the server does not answer");
  }
}

/** Save the form now; ``step`` is what the server is to do with it, such as ``add:message``. */
export function save(form, step = "") {
  clearTimeout(waiting.get(form));
  waiting.delete(form);
  // One at a time: what was typed last is stored last.
  const done = (saving.get(form) ?? Promise.resolve()).then(() => post(form, step));
  saving.set(form, done);
  return done.finally(() => { if (saving.get(form) === done) saving.delete(form); });
}

/** Nothing that was typed is unsaved once this has ended. */
export async function flush() {
  await Promise.all([...[...waiting.keys()].map((form) => save(form)), ...saving.values()]);
}

function later(form) {
  note("Unsaved");
  clearTimeout(waiting.get(form));
  waiting.set(form, setTimeout(() => save(form), DELAY));
}

document.addEventListener("input", ({ target }) => {
  const form = target.closest?.("form[data-autosave]");
  if (form && !form.querySelector("fieldset[disabled]")) later(form);
});
document.addEventListener("submit", (event) => {
  const form = event.target.closest("form[data-autosave]");
  if (!form) return;
  event.preventDefault();
  event.stopPropagation();
  save(form);
}, true);
document.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-step]");
  if (button) save(button.closest("form"), button.dataset.step);
});
// Whatever replaces forms waits until they are saved.
document.addEventListener("htmx:confirm", (event) => {
  if (!(waiting.size || saving.size) || event.target.closest("form[data-autosave]") === event.target) return;
  event.preventDefault();
  flush().then(() => event.detail.issueRequest(true));
});
// 422: the errors stand in what came.
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.xhr.status === 422) {
    event.detail.shouldSwap = true;
    event.detail.isError = false;
  }
});
// What was typed before this script was there.
for (const form of document.querySelectorAll("form[data-autosave]")) {
  const isChanged = [...form.elements].some((field) => field.matches("textarea, input:not([type=hidden])") && field.value !== field.defaultValue);
  if (isChanged && !form.querySelector("fieldset[disabled]")) later(form);
}
addEventListener("beforeunload", (event) => {
  if (waiting.size || saving.size) event.preventDefault();
});
