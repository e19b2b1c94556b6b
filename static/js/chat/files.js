// Images and files of the next message, or of one that is edited: chosen, pasted or dropped, uploaded at once, and kept
// until it is accepted.
import { elements, filesPasted, takeDrops, uploads } from "../uploads.js";
import { announce, chat, composer, input, messages, onChange, store, stored } from "./page.js";

const list = listOf(composer);
const chooser = document.getElementById("file-input");
const notice = document.getElementById("files-notice");
const facts = document.getElementById("model-facts");
const url = list.dataset.url;
const key = () => `files:${chat.dataset.owner}:${chat.dataset.conversation}`;

function listOf(form) {
  return form.querySelector("[data-files]");
}

/** The digests of the files in a form, in their order, as the server takes them. */
export function digestsOf(form) {
  return new FormData(form).getAll("attachments").join(" ");
}

/** Why the files of a form cannot be sent yet, or an empty text. */
export function problem(form) {
  if (listOf(form)?.querySelector("[data-uploading]")) return "Wait until the files are uploaded.";
  return inability(form);
}

/** Those that a form sends: its own, and those of the messages before it. */
function filesSentBy(form) {
  const message = form.closest(".turn");
  const isBefore = (file) => !message || file.compareDocumentPosition(message) & Node.DOCUMENT_POSITION_FOLLOWING;
  const said = [...messages.querySelectorAll(".files [data-kind]")].filter(isBefore);
  return [...said, ...(listOf(form)?.querySelectorAll("[data-kind]") ?? [])];
}

/** What the chosen model surely cannot read of what would be sent to it. */
function inability(form) {
  const wanted = new Set(filesSentBy(form).map((file) => file.dataset.kind));
  const kind = ["images", "PDFs"].find((name) => wanted.has(name) && facts.dataset[name.toLowerCase()] === "no");
  return kind && facts.dataset.model ? `${facts.dataset.model} cannot read ${kind}. Pick a model that can, or start without them.` : "";
}

function doubt() {
  const wanted = [...list.querySelectorAll("[data-kind]")].map((file) => file.dataset.kind);
  const kind = ["images", "PDFs"].find((name) => wanted.includes(name) && facts.dataset[name.toLowerCase()] === "maybe");
  return kind && facts.dataset.model ? `${facts.dataset.model} may not be able to read ${kind}.` : "";
}

function paint() {
  const text = inability(composer) || doubt();
  if (notice.textContent !== text) notice.textContent = text;
}

/** What is edited is kept where it stands; the composer's files survive a reload. */
function changed(form) {
  if (form !== composer) return;
  store(key(), digestsOf(composer));
  input.dispatchEvent(new Event("input", { bubbles: true }));
  paint();
}

export function clear() {
  list.replaceChildren();
  changed(composer);
}

function unseen(digest) {
  const item = Object.assign(document.createElement("li"), { hidden: true });
  item.append(Object.assign(document.createElement("input"), { type: "hidden", name: "attachments", value: digest }));
  return item;
}

/** Put files that are stored already into a form: at once, so that none is lost, and then as they look. */
export async function restore(digests, form = composer) {
  const wanted = digests.split(" ").filter(Boolean);
  if (!wanted.length) return;
  const items = wanted.map(unseen);
  listOf(form).replaceChildren(...items);
  const response = await fetch(`${url}?${new URLSearchParams(wanted.map((digest) => ["digest", digest]))}`, { headers: { "X-Poll": "1" } }).catch(() => null);
  if (!response?.ok || response.redirected) return;
  const chips = elements(await response.text());
  items[0].before(...chips);
  for (const item of items) item.remove();
  changed(form);
}

const uploaders = new WeakMap();

function add(files, form) {
  const place = listOf(form);
  if (!uploaders.has(form)) uploaders.set(form, uploads({ list: place, changed: () => changed(form), announce }));
  uploaders.get(form)(files);
  form.elements.text.focus();
}

let choosing = composer;
document.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-attach]");
  if (!button) return;
  choosing = button.closest("form");
  chooser.click();
});
chooser.addEventListener("change", () => {
  add(chooser.files, choosing.isConnected ? choosing : composer);
  chooser.value = "";
});
chat.addEventListener("paste", (event) => {
  const form = event.target.closest("form:has([data-files])");
  const files = form ? filesPasted(event) : [];
  if (files.length) add(files, form);
});
takeDrops((target) => target.closest?.("form.edit") ?? composer, add);

document.addEventListener("click", (event) => {
  const item = event.target.closest("[data-remove-file]")?.closest(".file-chip");
  if (!item) return;
  const form = item.closest("form");
  item.dispatchEvent(new Event("file:removed"));
  item.remove();
  form.elements.text.focus();
  changed(form);
});

onChange(paint);
new MutationObserver(paint).observe(facts, { attributeFilter: ["data-model", "data-images", "data-pdfs"] });
restore(stored(key()) ?? "");
paint();
