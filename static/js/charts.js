// The columns of a chart are links, of which Tab reaches one. From there arrow keys go to the others, each of which says its figures.
const STEPS = { ArrowLeft: -1, ArrowRight: 1, PageUp: -7, PageDown: 7, Home: -Infinity, End: Infinity };

document.addEventListener("keydown", (event) => {
  const column = event.target.closest("svg a.col");
  const step = STEPS[event.key];
  if (!column || step === undefined || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
  event.preventDefault();
  const columns = [...column.ownerSVGElement.querySelectorAll("a.col")];
  const next = columns[Math.max(0, Math.min(columns.length - 1, columns.indexOf(column) + step))];
  column.setAttribute("tabindex", "-1");
  next.setAttribute("tabindex", "0");
  next.focus();
});
