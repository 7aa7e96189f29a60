// Removes the fragment from the URL and the history, then posts it: browsers do not send it.
const fragment = window.location.hash.slice(1);
window.history.replaceState(null, "", window.location.pathname);
const form = document.getElementById("answer");
if (fragment === "") {
  document.getElementById("waiting").hidden = true;
  document.getElementById("empty").hidden = false;
} else {
  form.elements.namedItem("fragment").value = fragment;
  form.submit();
}
