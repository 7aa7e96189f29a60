// Hands the fragment on to the server, which never gets to see one, and takes it out of the
// address bar and the history before anything else can read it there.
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
