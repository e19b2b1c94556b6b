// Inserting a prompt: it is found and filled in in a dialog, and its version is sent along with the message.
import { announce, chat, composer, input, store, stored } from "./page.js";
import { select, walk } from "../listbox.js";
import { pick } from "./models.js";

const dialog = document.getElementById("prompt-dialog");
const content = document.getElementById("prompt-dialog-content");
const chip = document.getElementById("composer-prompt");
const link = chip.querySelector("a");
const { prompt: idField, prompt_version: versionField } = composer.elements;
const key = () => `draft-prompt:${chat.dataset.owner}:${chat.dataset.conversation}`;
let current = null;
let sent = null;

function show(prompt) {
  current = prompt;
  idField.value = prompt?.id ?? "";
  versionField.value = prompt?.version ?? "";
  chip.hidden = !prompt;
  link.textContent = prompt ? `${prompt.name} v${prompt.version}` : "";
  if (prompt) link.href = prompt.url;
  store(key(), prompt ? JSON.stringify(prompt) : "");
}

function write(field, text) {
  field.value = text;
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

// The list

const options = () => [...content.querySelectorAll("[role=option]")];
let isStale = false;
let isWaiting = false;

function open(option) {
  htmx.ajax("GET", option.dataset.url, { target: content, swap: "innerHTML" });
}

/** What is listed may not be what was typed yet. */
function choose(option) {
  if (isStale) isWaiting = true;
  else open(option);
}

function begin(filter) {
  walk(filter, options, choose);
  select(filter, options(), options()[0]);
  filter.addEventListener("input", () => { isStale = true; });
  filter.addEventListener("keydown", (event) => {
    if (event.key !== "/" || filter.value) return;
    event.preventDefault();
    dialog.close();
    write(input, `${input.value}/`);
  });
  filter.focus();
}

function listed(filter) {
  isStale = false;
  select(filter, options(), options()[0]);
  if (isWaiting && options()[0]) open(options()[0]);
  isWaiting = false;
}

export function openPrompts() {
  if (!dialog.open) dialog.showModal();
  return htmx.ajax("GET", dialog.dataset.url, { target: content, swap: "innerHTML" });
}

// What was swapped into the dialog

function showForm(form) {
  const { system } = composer.elements;
  for (const [name, field] of Object.entries({ system, text: input })) {
    const note = form.querySelector(`[data-replaces=${name}]`);
    if (note) note.hidden = !field.value.trim();
  }
  if (document.activeElement?.closest("#prompt-form")) return;
  const first = form.querySelector("[aria-invalid=true]") ?? form.querySelector(":is(input:not([type=hidden], [type=checkbox]), textarea)");
  (first ?? form.querySelector("[name=insert]")).focus();
}

async function insert(inserted) {
  const { prompt: id, version, name, url } = inserted.dataset;
  const system = inserted.querySelector("[data-system]");
  const option = inserted.querySelector("[data-model-option]");
  const parameters = Object.fromEntries([...inserted.querySelectorAll("[data-parameter]")].map((one) => [one.dataset.parameter, one.value]));
  if (system) write(composer.elements.system, system.value);
  write(input, inserted.querySelector("[data-text]").value);
  show({ id, version, name, url, system: system?.value ?? "" });
  dialog.close();
  input.focus();
  announce(`Inserted ${name} version ${version}.`);
  if (option) await pick(option, parameters);
}

content.addEventListener("htmx:afterSwap", ({ target }) => {
  const inserted = content.querySelector("#prompt-inserted");
  if (inserted) insert(inserted);
  else if (target.id === "prompt-options") listed(content.querySelector("#prompt-filter"));
  else if (content.querySelector("#prompt-filter")) begin(content.querySelector("#prompt-filter"));
  else if (content.querySelector("#prompt-form")) showForm(content.querySelector("#prompt-form"));
});
content.addEventListener("click", (event) => {
  const option = event.target.closest("[role=option]");
  if (option) open(option);
  else if (event.target.closest("[data-back]")) openPrompts();
});
content.addEventListener("keydown", (event) => {
  const button = content.querySelector("[name=insert]");
  if (!button || event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
  event.preventDefault();
  button.click();
});
document.getElementById("insert-prompt").addEventListener("click", openPrompts);

// The version belongs to the text in the box: it is dropped with it, and comes back with a message that failed.

input.addEventListener("input", () => {
  if (!input.value) show(null);
  else if (!current && sent?.text === input.value) show(sent.prompt);
});
chip.querySelector("button").addEventListener("click", () => {
  show(null);
  sent = null;
  input.focus();
  announce("Prompt removed. The text stays.");
});
chat.addEventListener("chat:sent", () => { sent = current && { prompt: current, text: input.value }; });

const kept = stored(key());
if (kept && input.value) {
  show(JSON.parse(kept));
  // Of what is being written the browser keeps the message alone.
  if (!composer.elements.system.value) write(composer.elements.system, current.system);
}
