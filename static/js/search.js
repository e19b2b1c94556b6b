// What is typed into the search box is searched for while it is typed.
const form = document.getElementById("search-form");
const field = form.elements.q;
const DELAY = 250;
let timer = 0;

function later() {
  clearTimeout(timer);
  timer = setTimeout(() => form.requestSubmit(), DELAY);
}

field.addEventListener("input", later);
form.querySelector(".search-filters").addEventListener("change", () => form.requestSubmit());
