// Images and files of the next message: chosen, pasted or dropped, uploaded at once, and kept until it is accepted.
import { elements, filesPasted, takeDrops, uploads } from "../uploads.js";
import { announce, chat, composer, input, onChange, store, stored } from "./page.js";

const list = document.getElementById("composer-files");
const chooser = document.getElementById("file-input");
const notice = document.getElementById("files-notice");
const facts = document.getElementById("model-facts");
const url = list.dataset.url;
const key = () => `files:${chat.dataset.owner}:${chat.dataset.conversation}`;

/** The digests of the files in a form, in their order, as the server takes them. */
export function digestsOf(form) {
  return new FormData(form).getAll("attachments").join(" ");
}

/** Why the composer's files cannot be sent yet, or an empty text. */
export function problem() {
  if (list.querySelector("[data-uploading]")) return "Wait until the files are uploaded.";
  return inability();
}

/** What the chosen model surely cannot read of what would be sent to it. */
function inability() {
  const wanted = new Set([...document.querySelectorAll("#composer-files [data-kind], #messages [data-kind]")].map((file) => file.dataset.kind));
  const kind = ["images", "PDFs"].find((name) => wanted.has(name) && facts.dataset[name.toLowerCase()] === "no");
  return kind && facts.dataset.model ? `${facts.dataset.model} cannot read ${kind}. Pick a model that can, or start without them.` : "";
}

function doubt() {
  const wanted = [...list.querySelectorAll("[data-kind]")].map((file) => file.dataset.kind);
  const kind = ["images", "PDFs"].find((name) => wanted.includes(name) && facts.dataset[name.toLowerCase()] === "maybe");
  return kind && facts.dataset.model ? `${facts.dataset.model} may not be able to read ${kind}.` : "";
}

function paint() {
  const text = inability() || doubt();
  if (notice.textContent !== text) notice.textContent = text;
}

function changed() {
  store(key(), digestsOf(composer));
  input.dispatchEvent(new Event("input", { bubbles: true }));
  paint();
}

export function clear() {
  list.replaceChildren();
  changed();
}

/** Put files that are stored already into a list of a form. */
export async function restore(digests, into = list) {
  const wanted = digests.split(" ").filter(Boolean);
  if (!wanted.length) return;
  const response = await fetch(`${url}?${new URLSearchParams(wanted.map((digest) => ["digest", digest]))}`, { headers: { "X-Poll": "1" } }).catch(() => null);
  if (!response?.ok || response.redirected) return;
  into.replaceChildren(...elements(await response.text()));
  if (into === list) changed();
}

const upload = uploads({ list, changed, announce });

function add(files) {
  upload(files);
  input.focus();
}

document.getElementById("attach").addEventListener("click", () => chooser.click());
chooser.addEventListener("change", () => {
  add(chooser.files);
  chooser.value = "";
});
input.addEventListener("paste", (event) => {
  const files = filesPasted(event);
  if (files.length) add(files);
});
takeDrops(composer, add);

document.addEventListener("click", (event) => {
  const item = event.target.closest("[data-remove-file]")?.closest(".file-chip");
  if (!item) return;
  const form = item.closest("form");
  item.dispatchEvent(new Event("file:removed"));
  item.remove();
  form.elements.text.focus();
  if (form === composer) changed();
});

onChange(paint);
new MutationObserver(paint).observe(facts, { attributeFilter: ["data-model", "data-images", "data-pdfs"] });
restore(stored(key()) ?? "");
paint();
