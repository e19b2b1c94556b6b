// Images and files that every panel sends: chosen, pasted or dropped.
import { filesPasted, takeDrops, uploads } from "../uploads.js";
import { save } from "./autosave.js";

const list = document.getElementById("playground-files");
const form = document.getElementById("shared");
const chooser = document.getElementById("file-input");
const announcer = document.getElementById("announcer");

let coming = Promise.resolve();

/** Everything that was attached is stored, or refused. */
export function uploaded() {
  return coming;
}

if (chooser) {
  const upload = uploads({ list, changed: () => save(form), announce: (text) => { announcer.textContent = text; } });
  const add = (files) => { coming = Promise.all([coming, upload(files)]); };
  document.getElementById("attach").addEventListener("click", () => chooser.click());
  chooser.addEventListener("change", () => {
    add(chooser.files);
    chooser.value = "";
  });
  document.addEventListener("paste", (event) => add(filesPasted(event)));
  takeDrops(() => form, add);
  list.addEventListener("click", ({ target }) => {
    const item = target.closest("[data-remove-file]")?.closest(".file-chip");
    if (!item) return;
    item.dispatchEvent(new Event("file:removed"));
    item.remove();
    save(form);
  });
}
