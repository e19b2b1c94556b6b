// A list of options that is walked by the keys of the text field above it.

export function select(field, options, option) {
  for (const old of options) old.setAttribute("aria-selected", String(old === option));
  field.setAttribute("aria-activedescendant", option?.id ?? "");
  option?.scrollIntoView({ block: "nearest" });
}

/** ``options()`` are those that can be reached; Enter calls ``pick`` with the selected one. */
export function walk(field, options, pick) {
  field.addEventListener("keydown", (event) => {
    const all = options();
    const at = all.findIndex((option) => option.getAttribute("aria-selected") === "true");
    const steps = { ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + 10, PageUp: at - 10 };
    if (event.key in steps) {
      event.preventDefault();
      select(field, all, all[Math.max(0, Math.min(all.length - 1, steps[event.key]))]);
    } else if (event.key === "Enter" && all[at]) {
      event.preventDefault();
      pick(all[at]);
    }
  });
}
