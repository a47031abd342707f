"""The login of development and the Swagger UI in a real browser."""

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.e2e.conftest import path_of

SECONDS = 60
CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
ARGUMENTS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]


class Browser:
    """A session of the WebDriver protocol."""

    def __init__(self, http: httpx.Client, session: str) -> None:
        self._http, self._session = http, session

    def call(self, method: str, path: str, **body: Any) -> Any:
        response = self._http.request(method, f"/session/{self._session}{path}", json=body or None)
        assert response.is_success, response.text
        return response.json()["value"]

    def open(self, url: str) -> None:
        self.call("POST", "/url", url=url)

    def run(self, script: str, *arguments: Any) -> Any:
        return self.call("POST", "/execute/sync", script=script, args=list(arguments))

    def wait_for(self, script: str) -> Any:
        """What the script returns, as soon as that is true."""
        deadline = time.monotonic() + SECONDS
        while not (value := self.run(f"return {script}")):
            assert time.monotonic() < deadline, f"{script}\n{self.run('return document.body.innerText')}"
        return value

    def click(self, selector: str) -> None:
        self.wait_for(f"document.querySelector({json.dumps(selector)})")
        self.run("document.querySelector(arguments[0]).click()", selector)

    def requested(self) -> list[str]:
        """The URL of every request that the pages have made."""
        entries = self.call("POST", "/se/log", type="performance")
        messages = [json.loads(entry["message"])["message"] for entry in entries]
        sent = [each["params"] for each in messages if each["method"] == "Network.requestWillBeSent"]
        return [each["request"]["url"] for each in sent]


@contextmanager
def driver() -> Iterator[httpx.Client]:
    assert DRIVER is not None
    process = subprocess.Popen([DRIVER, "--port=0"], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = next(line for line in process.stdout if "started successfully on port" in line)
        port = line.strip().rstrip(".").rpartition(" ")[2]
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=SECONDS) as http:
            yield http
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None or DRIVER is None:
        pytest.skip("chromium and chromedriver are not installed: .ci/install_browser installs them")
    options = {
        "goog:chromeOptions": {"binary": CHROMIUM, "args": ARGUMENTS},
        "goog:loggingPrefs": {"performance": "ALL"},
    }
    with driver() as http:
        answer = http.post("/session", json={"capabilities": {"alwaysMatch": options}})
        assert answer.is_success, answer.text
        browser = Browser(http, answer.json()["value"]["sessionId"])
        try:
            yield browser
        finally:
            browser.call("DELETE", "")


def log_in(browser: Browser, label: str) -> str:
    """Click on an offered user; the token that the page then shows."""
    browser.run("document.getElementById('token').value = ''")
    button = "[...document.querySelectorAll('button')].find(each => each.innerText === arguments[0])"
    browser.run(f"{button}.click()", label)
    return str(browser.wait_for("document.getElementById('token').value"))


def test_a_token_of_the_page_is_one_of_its_user(service: Any, browser: Browser) -> None:
    browser.open(f"{service.url}/development/login")
    own = service.create(name="Buy milk")
    for label, status in (("admin of acme (admin)", 200), ("stranger of umbrella", 403)):
        token = log_in(browser, label)
        assert browser.wait_for("document.getElementById('who').innerText") == label.split()[0]
        assert service.ask("GET", path_of(own), token=token).status_code == status


def test_whoever_is_typed_in_is_shown_as_text(service: Any, browser: Browser) -> None:
    browser.open(f"{service.url}/development/login")
    user = "<img src=x onerror='document.title=1'>"
    for name, value in (("user", user), ("tenant", "acme"), ("roles", "admin, editor")):
        browser.run("document.forms[0][arguments[0]].value = arguments[1]", name, value)
    browser.run("document.forms[0].requestSubmit()")
    token = browser.wait_for("document.getElementById('token').value")
    assert browser.run("return document.getElementById('who').innerText") == user
    assert browser.run("return document.querySelector('h2 img')") is None
    assert service.ask("GET", "/api/todo", token=token).status_code == 200
    stored = json.loads(browser.run("return localStorage.getItem('authorized')"))
    assert stored["bearer"]["value"] == token


def test_a_refusal_is_shown_and_leaves_no_token(service: Any, browser: Browser) -> None:
    browser.open(f"{service.url}/development/login")
    browser.run("localStorage.clear()")
    browser.run("document.forms[0].user.value = 'u'.repeat(201)")
    browser.run("document.forms[0].requestSubmit()")
    assert "at most 200 characters" in browser.wait_for("document.getElementById('who').innerText")
    assert browser.run("return localStorage.getItem('authorized')") is None


def test_a_todo_is_created_in_the_swagger_ui(service: Any, browser: Browser) -> None:
    browser.open(f"{service.url}/development/login")
    log_in(browser, "developer of acme")
    browser.open(f"{service.url}/swagger-ui")

    operation = "#operations-Todo-TodoController_create"
    browser.click(f"{operation} .opblock-summary-control")
    browser.click(f"{operation} .try-out__btn")
    example = browser.wait_for(f"document.querySelector('{operation} textarea')?.value")
    assert "null" not in example
    browser.click(f"{operation} .execute")

    answer = f"{operation} .live-responses-table .response .response-col_status"
    status = browser.wait_for(f"document.querySelector('{answer}')?.innerText")
    assert status.split() == ["201"], browser.run("return document.body.innerText")
    urls = [url for url in browser.requested() if not url.startswith(("data:", "blob:", "chrome:"))]
    assert {urlsplit(url).netloc for url in urls} == {urlsplit(service.url).netloc}
    assert f"{service.url}/api/todo" in urls
