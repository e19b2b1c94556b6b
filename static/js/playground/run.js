// Run and stop, for one panel or all of them.
import { flush } from "./autosave.js";
import { uploaded } from "./files.js";
import { send } from "./socket.js";
import { uuid } from "../uuid.js";

const bench = document.getElementById("bench");

function ids(all) {
  return [...bench.querySelectorAll("[data-panel]")]
    .filter((panel) => all || panel.querySelector('[data-state="busy"]'))
    .map((panel) => Number(panel.dataset.panel));
}

async function run(panels) {
  await uploaded();
  await flush();
  // The answers are what is looked at now.
  for (const id of panels) document.querySelector(`#panel-${id} .run-body > details`).open = false;
  send({ type: "run", panels, round: uuid() });
}

document.addEventListener("click", ({ target }) => {
  const one = target.closest("[data-run]");
  if (one) run([Number(one.dataset.run)]);
  const stop = target.closest("[data-stop]");
  if (stop) send({ type: "stop", panels: [Number(stop.dataset.stop)] });
  if (target.closest("#run-all")) run(ids(true));
  if (target.closest("#stop-all")) send({ type: "stop", panels: ids(false) });
});
document.addEventListener("click", ({ target }) => {
  const form = target.closest("[data-send-results]")?.closest("[data-results]");
  if (!form) return;
  const results = Object.fromEntries([...form.querySelectorAll("[data-call]")].map((field) => [field.dataset.call, field.value]));
  send({ type: "results", answer: Number(form.dataset.results), panel: Number(form.dataset.ofPanel), results });
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && document.getElementById("run-all")) {
    event.preventDefault();
    run(ids(true));
  }
  if (event.key === "Escape" && !document.querySelector("dialog[open], :popover-open")) send({ type: "stop", panels: ids(false) });
});
