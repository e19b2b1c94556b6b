// Which of several answers a panel shows.
const bench = document.getElementById("bench");

function answersOf(panel) {
  return [...panel.querySelectorAll(".reply")];
}

function showAnswer(panel, place) {
  answersOf(panel).forEach((answer, index) => { answer.hidden = index !== place; });
  const number = panel.querySelector("[data-answer-number]");
  if (number) number.textContent = place + 1;
}

document.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-page-answer]");
  if (!button) return;
  const panel = button.closest("[data-panel]");
  const answers = answersOf(panel);
  const now = answers.findIndex((answer) => !answer.hidden);
  showAnswer(panel, (now + Number(button.dataset.pageAnswer) + answers.length) % answers.length);
});

/** An answer that has ended came anew: the others stay as they are. */
function settle() {
  for (const panel of bench.querySelectorAll("[data-panel]")) {
    const number = Number(panel.querySelector("[data-answer-number]")?.textContent ?? 1);
    if (answersOf(panel).length > 1) showAnswer(panel, number - 1);
  }
}

bench.addEventListener("htmx:oobAfterSwap", settle);
bench.addEventListener("htmx:afterSettle", settle);
settle();
