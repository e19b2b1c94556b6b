// The time zone of the browser: taken for a new account, offered where the profile has another one.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const field = document.getElementById("id_time_zone");
const offer = document.getElementById("browser-zone");

if (field.type === "hidden") {
  field.value = zone;
} else if ([...field.options].some((option) => option.value === zone) && field.value !== zone) {
  offer.querySelector("span").textContent = zone;
  offer.hidden = false;
  field.closest(".field").after(offer);
  offer.querySelector("button").addEventListener("click", () => {
    field.value = zone;
    offer.hidden = true;
    field.focus();
  });
}
