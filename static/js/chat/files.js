// Images and files of the next message: chosen, pasted or dropped, uploaded at once, and kept until it is accepted.
import { announce, chat, composer, input, onChange, store, stored } from "./page.js";

const MOST_FILES = 10;
const MOST_BYTES = 20 * 1024 * 1024;
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

function elements(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content.children;
}

function placeholder(file) {
  const item = document.createElement("li");
  item.className = "file-chip";
  const name = document.createElement("span");
  name.className = "file-name";
  name.textContent = file.name;
  const remove = document.createElement("button");
  Object.assign(remove, { type: "button", className: "btn", textContent: "×" });
  Object.assign(remove.dataset, { variant: "ghost", size: "icon-sm", removeFile: "" });
  remove.setAttribute("aria-label", `Remove ${file.name}`);
  item.append(name, remove);
  list.append(item);
  return item;
}

function failed(item, text) {
  delete item.dataset.uploading;
  item.dataset.failed = "";
  item.querySelector("progress")?.remove();
  const reason = document.createElement("span");
  reason.className = "small";
  reason.setAttribute("role", "alert");
  reason.textContent = text;
  item.querySelector("button").before(reason);
}

function upload(file) {
  const item = placeholder(file);
  if (file.size > MOST_BYTES) return failed(item, "The file is too large. A file may have 20 MB.");
  if (!file.size) return failed(item, "The file is empty.");
  if (list.querySelectorAll(".file-chip:not([data-failed])").length > MOST_FILES) return failed(item, `A message has at most ${MOST_FILES} files.`);
  item.dataset.uploading = "";
  const progress = Object.assign(document.createElement("progress"), { max: 1, value: 0 });
  progress.setAttribute("aria-label", `Uploading ${file.name}`);
  item.querySelector("button").before(progress);
  const request = new XMLHttpRequest();
  item.addEventListener("file:removed", () => request.abort());
  request.upload.addEventListener("progress", (event) => {
    if (event.loaded < event.total) progress.value = event.loaded / event.total;
    else progress.removeAttribute("value");
  });
  request.addEventListener("load", () => uploaded(item, request));
  request.addEventListener("error", () => failed(item, "The server could not be reached. Attach it again."));
  request.open("POST", url);
  for (const [name, value] of Object.entries(JSON.parse(document.body.getAttribute("hx-headers")))) request.setRequestHeader(name, value);
  const body = new FormData();
  body.append("file", file);
  request.send(body);
  return null;
}

function uploaded(item, request) {
  if (request.status !== 201) {
    const isOurs = request.getResponseHeader("Content-Type")?.startsWith("text/plain") && request.responseText;
    return failed(item, isOurs ? request.responseText : "It could not be uploaded. Attach it again.");
  }
  const [chip] = elements(request.responseText);
  const { value } = chip.querySelector("input");
  list.querySelector(`input[value="${CSS.escape(value)}"]`)?.closest("li").remove();
  announce(`${chip.querySelector(".file-name").textContent} attached.`);
  item.replaceWith(chip);
  return changed();
}

function add(files) {
  for (const file of files) upload(file);
  input.focus();
}

document.getElementById("attach").addEventListener("click", () => chooser.click());
chooser.addEventListener("change", () => {
  add(chooser.files);
  chooser.value = "";
});
// What is copied from a document or a table comes as text and as a picture of it: then the text is meant.
input.addEventListener("paste", (event) => {
  const { files, types } = event.clipboardData;
  if (!files.length || types.includes("text/plain")) return;
  event.preventDefault();
  add(files);
});

const bringsFiles = (event) => event.dataTransfer?.types.includes("Files");
document.addEventListener("dragover", (event) => {
  if (!bringsFiles(event)) return;
  event.preventDefault();
  composer.dataset.drop = "";
});
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) delete composer.dataset.drop;
});
document.addEventListener("drop", (event) => {
  if (!bringsFiles(event)) return;
  event.preventDefault();
  delete composer.dataset.drop;
  add(event.dataTransfer.files);
});

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
