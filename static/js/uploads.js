// Files that are uploaded at once, and stand in a list as the server shows them: with their name, and a way to remove them.
const MOST_FILES = 10;
const MOST_BYTES = 20 * 1024 * 1024;

export function elements(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content.children;
}

/**
 * Gives a function that uploads files; what it returns ends when all of them are stored or refused.
 * ``changed`` is called when a file has come or gone, ``announce`` with a sentence for whoever does not see it.
 */
export function uploads({ list, changed, announce }) {
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

  function upload(file) {
    const item = placeholder(file);
    if (file.size > MOST_BYTES) return failed(item, "The file is too large. A file may have 20 MB.");
    if (!file.size) return failed(item, "The file is empty.");
    if (list.querySelectorAll(".file-chip:not([data-failed])").length > MOST_FILES) return failed(item, `At most ${MOST_FILES} files can be attached.`);
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
    const ended = new Promise((resolve) => request.addEventListener("loadend", resolve));
    request.open("POST", list.dataset.url);
    for (const [name, value] of Object.entries(JSON.parse(document.body.getAttribute("hx-headers")))) request.setRequestHeader(name, value);
    const body = new FormData();
    body.append("file", file);
    request.send(body);
    return ended;
  }

  return (files) => Promise.all([...files].map(upload));
}

/** ``add`` takes what is dropped anywhere on the page, and ``placeOf`` what is under it; that shows that it can be. */
export function takeDrops(placeOf, add) {
  const bringsFiles = (event) => event.dataTransfer?.types.includes("Files");
  let place = null;
  function show(next) {
    if (place) delete place.dataset.drop;
    place = next;
    if (place) place.dataset.drop = "";
  }
  document.addEventListener("dragover", (event) => {
    if (!bringsFiles(event)) return;
    event.preventDefault();
    show(placeOf(event.target));
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) show(null);
  });
  document.addEventListener("drop", (event) => {
    if (!bringsFiles(event)) return;
    event.preventDefault();
    show(null);
    add(event.dataTransfer.files, placeOf(event.target));
  });
}

/** What is copied from a document or a table comes as text and as a picture of it: then the text is meant. */
export function filesPasted(event) {
  const { files, types } = event.clipboardData;
  if (!files.length || types.includes("text/plain")) return [];
  event.preventDefault();
  return files;
}
