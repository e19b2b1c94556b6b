// Codes of an authenticator app are sent once complete; recovery codes can be kept as a file.
for (const form of document.querySelectorAll("form[data-submit-at]")) {
  const length = Number(form.dataset.submitAt);
  form.addEventListener("input", ({ target }) => {
    const digits = target.value.replace(/\s/g, "");
    if (digits.length === length && /^\d+$/.test(digits)) form.requestSubmit();
  });
}

for (const button of document.querySelectorAll("[data-download]")) {
  button.hidden = false;
  button.addEventListener("click", () => {
    const text = document.getElementById(button.dataset.download).textContent;
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
    link.download = button.dataset.name;
    link.click();
    URL.revokeObjectURL(link.href);
  });
}
