// What is copied from a message: code, tables as Markdown and CSV, formulas as the LaTeX they were written in.
import { showCopied } from "../copy.js";
import { toast } from "../toasts.js";

export async function copy(text, button) {
  try {
    await navigator.clipboard.writeText(text);
    showCopied(button);
  } catch {
    toast("The browser blocked the clipboard. Select the text and copy it manually.", "error");
  }
}

/** Puts LaTeX in the place of each formula. */
function unformatted(node) {
  for (const formula of node.querySelectorAll("math[alttext]")) {
    const mark = formula.getAttribute("display") === "block" ? "$$" : "$";
    formula.replaceWith(`${mark}${formula.getAttribute("alttext")}${mark}`);
  }
  for (const line of node.querySelectorAll("br")) line.replaceWith("\n");
  return node.textContent;
}

function cellsOf(table) {
  return [...table.rows].map((row) => [...row.cells].map((cell) => unformatted(cell.cloneNode(true)).trim()));
}

function markdownOf(table) {
  const [head, ...rows] = cellsOf(table).map((row) => row.map((text) => text.replaceAll("|", "\\|").replaceAll("\n", "<br>")));
  const sides = [...table.rows[0].cells].map((cell) => (cell.classList.contains("num") ? "--:" : cell.classList.contains("centre") ? ":-:" : "---"));
  return `${[head, sides, ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n")}\n`;
}

function csvOf(table) {
  const quoted = (text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  return `${cellsOf(table).map((row) => row.map(quoted).join(",")).join("\r\n")}\r\n`;
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("figure button");
  if (!button) return;
  const figure = button.closest("figure");
  if (button.classList.contains("copy-code")) copy(figure.querySelector("code").textContent, button);
  else if (button.classList.contains("copy-markdown")) copy(markdownOf(figure.querySelector("table")), button);
  else if (button.classList.contains("copy-csv")) copy(csvOf(figure.querySelector("table")), button);
  else if (button.classList.contains("wrap-code")) button.setAttribute("aria-pressed", String(figure.classList.toggle("wrapped")));
});

document.addEventListener("copy", (event) => {
  const selection = getSelection();
  const part = selection.rangeCount && selection.getRangeAt(0).cloneContents();
  if (!part || !part.querySelector("math")) return;
  event.clipboardData.setData("text/plain", unformatted(part));
  event.preventDefault();
});
