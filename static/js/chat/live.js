// The line under an answer while it comes: time, time to first token, tokens, speed. One announcement when it ends.
import { announce, estimateTokens, onChange, running, tokens } from "./page.js";

const clocks = new Map();
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

function paint() {
  const meta = running();
  const line = meta?.querySelector("[data-live]");
  if (!line) return;
  const clock = clockOf(line, meta);
  const now = performance.now();
  const count = estimateTokens(characters(meta));
  if (count && clock.first === null) clock.first = now;
  put(line, "elapsed", `${((now - clock.start) / 1000).toFixed(1)} s`);
  if (!count) return put(line, "first", "waiting for the first token");
  put(line, "tokens", `≈ ${tokens(count)}`);
  put(line, "first", clock.first ? `first token ${Math.round(clock.first - clock.start).toLocaleString("en")} ms` : "");
  const seconds = (now - clock.first) / 1000;
  put(line, "speed", seconds > 0.5 ? `≈ ${Math.round(count / seconds).toLocaleString("en")} tokens/s` : "");
}

const ENDINGS = { succeeded: "Answer complete", stopped: "Answer stopped", failed: "The answer failed", interrupted: "The answer was interrupted" };

function sayEnd() {
  const meta = running();
  const ended = watched && watched !== meta?.id && document.getElementById(watched);
  watched = meta?.id ?? null;
  if (!ended) return;
  const { status, tokens: count } = ended.dataset;
  const reason = ended.querySelector("h3")?.textContent;
  announce([ENDINGS[status] ?? "The answer has ended", reason, count && tokens(Number(count))].filter(Boolean).join(", "));
}

function countDown() {
  for (const element of document.querySelectorAll("[data-countdown]")) {
    element.dataset.until ??= String(performance.now() + Number(element.dataset.countdown) * 1000);
    const left = Math.ceil((Number(element.dataset.until) - performance.now()) / 1000);
    element.textContent = left > 0 ? `The provider asks to wait: ${left} s.` : "The time the provider asked for has passed.";
  }
}

onChange(() => {
  // Only the first token is news at once. To measure a long answer with each of its tokens takes longer and longer.
  if (clocks.get(running()?.id)?.first == null) paint();
  sayEnd();
});
setInterval(() => { paint(); countDown(); }, 250);
sayEnd();
