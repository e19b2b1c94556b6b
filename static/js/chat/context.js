// How much of the model's window is used, and a warning before sending what will not fit.
import { estimateTokens, input, messages, onChange, tokens } from "./page.js";

const system = document.getElementById("id_system");
const systemCount = document.getElementById("system-count");
const facts = document.getElementById("model-facts");
const button = document.getElementById("context");
const ring = button.querySelector(".used");
const share = document.getElementById("context-share");
const words = document.getElementById("context-words");
const warning = document.getElementById("context-warning");

let before = 0;

function said() {
  const turns = [...messages.querySelectorAll(".question-source, .prose, .tail")];
  const others = [...messages.querySelectorAll("[data-characters]")];
  return turns.reduce((sum, element) => sum + element.textContent.length, 0) + others.reduce((sum, element) => sum + Number(element.dataset.characters), 0);
}

function files() {
  return [...document.querySelectorAll("#composer-files [data-tokens], #messages [data-tokens]")].reduce((sum, file) => sum + Number(file.dataset.tokens), 0);
}

function paint() {
  const used = before + estimateTokens(system.value.length + input.value.length);
  const size = Number(facts.dataset.context) || 0;
  const part = size ? Math.min(1, used / size) : 0;
  button.hidden = !used;
  ring.parentElement.toggleAttribute("hidden", !size);
  ring.setAttribute("stroke-dasharray", `${(part * 100).toFixed(1)} 100`);
  ring.parentElement.dataset.level = part >= 0.8 ? "high" : "";
  share.textContent = size ? `${(part * 100).toFixed(part < 0.1 ? 1 : 0)}%` : `≈ ${used.toLocaleString("en")}`;
  words.textContent = size ? `≈ ${used.toLocaleString("en")} of ${tokens(size)}` : `≈ ${tokens(used)}`;
  const text = size && used > size ? `Too long: about ${tokens(used)}, but the context window is ${size.toLocaleString("en")}. Shorten it, or pick another model.` : "";
  if (warning.textContent !== text) warning.textContent = text;
  const own = estimateTokens(system.value.length);
  systemCount.textContent = own ? `≈ ${own.toLocaleString("en")}` : "";
  systemCount.parentElement.toggleAttribute("data-set", Boolean(own));
}

let timer = 0;
function soon() {
  timer ||= setTimeout(() => { timer = 0; paint(); }, 200);
}
input.addEventListener("input", soon);
system.addEventListener("input", soon);
/** The thread is counted when it has changed, not with each key. */
function count() {
  before = files() + estimateTokens(said());
  soon();
}
let counting = 0;
onChange(() => { counting ||= setTimeout(() => { counting = 0; count(); }, 300); });
new MutationObserver(soon).observe(facts, { attributeFilter: ["data-context"] });
count();
paint();
