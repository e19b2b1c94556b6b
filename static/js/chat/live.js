// The line under an answer while it comes: time, time to first token, tokens, speed. One announcement when it ends.
import { announce, estimateTokens, onChange, running, tokens } from "./page.js";

const clocks = new Map();
const thoughts = new Map();
let watched = null;

function clockOf(line, meta) {
  if (!clocks.has(meta.id)) {
    const age = (Number(line.dataset.now) - Number(line.dataset.started)) * 1000;
    // Where text was there before the page was, the time of its first token is not known here.
    clocks.set(meta.id, { start: performance.now() - age, first: characters(meta) ? NaN : null });
  }
  return clocks.get(meta.id);
}

function characters(meta) {
  const id = meta.id.replace("meta-", "");
  return ["blocks", "tail", "reasoning"]
    .map((part) => document.getElementById(`${part}-${id}`).textContent.length)
    .reduce((sum, length) => sum + length, 0);
}

function put(line, name, text) {
  const element = line.querySelector(`[data-live-${name}]`);
  if (element.textContent !== text) element.textContent = text;
}

/** Open while the model thinks; closed with the first word of the answer, unless the reader has a wish of their own. */
function showThought(meta, now) {
  const id = meta.id.replace("meta-", "");
  const reasoning = document.getElementById(`reasoning-${id}`);
  const clock = thoughts.get(id) ?? { start: now };
  if (!reasoning.textContent || clock.end) return;
  thoughts.set(id, clock);
  if (!document.getElementById(`tail-${id}`).textContent.trim() && !document.getElementById(`blocks-${id}`).textContent) return;
  clock.end = now;
  const box = reasoning.closest("details");
  box.querySelector("[data-thought]").textContent = `Thought for ${Math.max(1, Math.round((now - clock.start) / 1000)).toLocaleString("en")} s`;
  box.open = false;
}

function paint() {
  const meta = running();
  const line = meta?.querySelector("[data-live]");
  if (!line) return;
  const clock = clockOf(line, meta);
  const now = performance.now();
  const count = estimateTokens(characters(meta));
  if (count && clock.first === null) clock.first = now;
  showThought(meta, now);
  put(line, "elapsed", `${((now - clock.start) / 1000).toFixed(1)} s`);
  put(line, "tokens", count ? ` · ≈ ${count.toLocaleString("en")} tok` : "");
}

const ENDINGS = { succeeded: "Answer complete", stopped: "Answer stopped", failed: "The answer failed", interrupted: "The answer was interrupted" };

function sayEnd() {
  const meta = running();
  const ended = watched && watched !== meta?.id && document.getElementById(watched);
  watched = meta?.id ?? null;
  if (!ended) return;
  const { status, tokens: count, thought } = ended.dataset;
  ended.closest(".turn").querySelector(".reasoning [data-thought]").textContent = thought;
  const reason = ended.querySelector("h3")?.textContent;
  announce([ENDINGS[status] ?? "The answer has ended", reason, count && tokens(Number(count))].filter(Boolean).join(", "));
}

function countDown() {
  for (const element of document.querySelectorAll("[data-countdown]")) {
    element.dataset.until ??= String(performance.now() + Number(element.dataset.countdown) * 1000);
    const left = Math.ceil((Number(element.dataset.until) - performance.now()) / 1000);
    element.textContent = left > 0 ? `Retry in ${left} s.` : "You can retry now.";
  }
}

onChange(() => {
  // Only the first token is news at once. To measure a long answer with each of its tokens takes longer and longer.
  if (clocks.get(running()?.id)?.first == null) paint();
  sayEnd();
});
setInterval(() => { paint(); countDown(); }, 250);
sayEnd();
