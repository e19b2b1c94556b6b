// How much of the model's window is used, and a warning before sending what will not fit.
import { estimateTokens, input, messages, onChange, tokens } from "./page.js";

const system = document.getElementById("id_system");
const systemCount = document.getElementById("system-count");
const facts = document.getElementById("model-facts");
const meter = document.getElementById("context-meter");
const words = document.getElementById("context-words");
const warning = document.getElementById("context-warning");

function said() {
  const turns = [...messages.querySelectorAll(".question-source, .prose, .tail")];
  const others = [...messages.querySelectorAll("[data-characters]")];
  return turns.reduce((sum, element) => sum + element.textContent.length, 0) + others.reduce((sum, element) => sum + Number(element.dataset.characters), 0);
}

function files() {
  return [...document.querySelectorAll("#composer-files [data-tokens], #messages [data-tokens]")].reduce((sum, file) => sum + Number(file.dataset.tokens), 0);
}

function paint() {
  const used = files() + estimateTokens(said() + system.value.length + input.value.length);
  const size = Number(facts.dataset.context) || 0;
  meter.hidden = !size;
  meter.max = size || 1;
  meter.value = Math.min(used, size);
  words.textContent = size ? `≈ ${used.toLocaleString("en")} of ${tokens(size)}` : `≈ ${tokens(used)}`;
  const text = size && used > size ? `This will not fit: about ${tokens(used)} for a window of ${size.toLocaleString("en")}. Shorten it, or choose another model.` : "";
  if (warning.textContent !== text) warning.textContent = text;
  const own = estimateTokens(system.value.length);
  systemCount.textContent = own ? `≈ ${tokens(own)}` : "";
}

let timer = 0;
function soon() {
  timer ||= setTimeout(() => { timer = 0; paint(); }, 200);
}
input.addEventListener("input", soon);
system.addEventListener("input", soon);
onChange(soon);
new MutationObserver(soon).observe(facts, { attributeFilter: ["data-context"] });
paint();
