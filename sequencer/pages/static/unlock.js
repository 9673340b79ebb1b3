// Takes the key from behind the # (which never leaves the browser by itself) and hands it in.

const token = location.hash.slice(1);
if (token) {
  history.replaceState(null, "", location.pathname);
  document.getElementById("token").value = token;
  document.getElementById("unlock").submit();
}
