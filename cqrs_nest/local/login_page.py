"""The page of the login of development, its script and its headers."""

from __future__ import annotations

from typing import Final

LOGIN_PATH: Final = "/development/login"
SCRIPT_PATH: Final = f"{LOGIN_PATH}/page.js"

PAGE_HEADERS: Final = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; "
    "connect-src 'self'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}

PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Log in to {title}</title>
<style>
body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 40rem; margin: 3rem auto; padding: 0 1rem; }}
ul {{ list-style: none; padding: 0; }} button {{ font: inherit; padding: .3rem 1rem; margin: .2rem 0; }}
label {{ display: block; margin: .5rem 0; }} input {{ font: inherit; width: 100%; }}
textarea {{ width: 100%; height: 8rem; font-family: monospace; }}
</style>
<script src="/development/login/page.js" defer></script>
</head>
<body>
<h1>Log in to {title}</h1>
<p>Tokens are signed with the key of this directory. Nobody but this machine accepts them.</p>
<ul>
{users}
</ul>
<form>
<label>User <input name="user" required></label>
<label>Tenant (none: roles hold in every one) <input name="tenant"></label>
<label>Roles, with commas <input name="roles"></label>
<button>Log in</button>
</form>
<section hidden>
<h2 id="who"></h2>
<textarea id="token" readonly aria-label="Bearer token"></textarea>
<p>The <a href="/swagger-ui">Swagger UI</a> sends it from now on.</p>
</section>
</body>
</html>
"""

SCRIPT: Final = """
async function logIn(wish) {
  const headers = {"content-type": "application/json"};
  const response = await fetch("/development/login", {method: "POST", headers, body: JSON.stringify(wish)});
  const answer = await response.json();
  document.querySelector("section").hidden = false;
  document.getElementById("who").textContent = response.ok ? wish.user : String(answer.message);
  document.getElementById("token").value = answer.token || "";
  if (!response.ok) return;
  const schema = {type: "http", scheme: "bearer", bearerFormat: "JWT"};
  localStorage.setItem("authorized", JSON.stringify({bearer: {name: "bearer", schema, value: answer.token}}));
}
for (const button of document.querySelectorAll("button[data-user]")) {
  button.addEventListener("click", () => logIn(JSON.parse(button.dataset.user)));
}
document.querySelector("form").addEventListener("submit", (event) => {
  event.preventDefault();
  const data = new FormData(event.target);
  const roles = data.get("roles").split(",").map((role) => role.trim()).filter(Boolean);
  logIn({user: data.get("user"), tenant: data.get("tenant"), roles});
});
"""
