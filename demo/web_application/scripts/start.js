// Reloads the page when the selection changes, and restores focus and scroll position.
const form = document.getElementById("selection");
const place = window.sessionStorage.getItem("place");
if (place !== null) {
  window.sessionStorage.removeItem("place");
  const [id, top] = JSON.parse(place);
  document.getElementById(id)?.focus({ preventScroll: true });
  window.scrollTo(0, top);
}
document.getElementById("show").hidden = true;
form.addEventListener("change", (event) => {
  window.sessionStorage.setItem("place", JSON.stringify([event.target.id, window.scrollY]));
  form.requestSubmit();
});
