"""Chromium without a window, steered by its DevTools protocol over a pair of pipes: no port, and no library.

What a page has asked for and what it has complained of is kept, so that a test can say that there was nothing of the
sort.
"""

import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

import interrupts
from processes import end_group, start, wait_until

LIMIT_S = 20
# What it would otherwise ask the world for, and what needs a desktop.
SWITCHES = [
    "--headless=new",
    "--no-sandbox",
    "--remote-debugging-pipe",
    "--no-first-run",
    "--no-proxy-server",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-breakpad",
    "--disable-extensions",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-sync",
    "--window-size=1400,1000",
    "about:blank",
]


class Browser(interrupts.Made):
    """A browser of its own, with a profile of its own, while this context lasts."""

    def __init__(self):
        self._profile = None
        self._process = None
        self._pipes = []
        self._rest = b""
        self._answers = {}
        self._last = 0
        self._pages = {}

    def _start(self):
        self._profile = tempfile.mkdtemp(prefix="godwit-browser-")
        its_in, our_out = os.pipe()
        our_in, its_out = os.pipe()
        self._pipes = [our_in, our_out]
        # It reads its file 3 and writes its file 4.
        command = ["bash", "-c", f'exec "$@" 3<&{its_in} 4>&{its_out}', "bash"]
        command += ["chromium", f"--user-data-dir={self._profile}", *SWITCHES]
        environment = dict(os.environ, HOME=self._profile)
        try:
            self._process = start(
                command,
                pass_fds=(its_in, its_out),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=environment,
            )
        finally:
            os.close(its_in)
            os.close(its_out)

    def _undo(self):
        if self._process is not None:
            end_group(self._process)
        for pipe in self._pipes:
            os.close(pipe)
        if self._profile is not None:
            # Its children share its group, but not its last moment: one may still write.
            wait_until(self._has_no_profile, LIMIT_S, "the browser's profile removed")

    def _has_no_profile(self):
        shutil.rmtree(self._profile, ignore_errors=True)
        return not os.path.exists(self._profile)

    def page(self):
        """A new page."""
        target = self.call("Target.createTarget", {"url": "about:blank"})["targetId"]
        session = self.call("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"]
        page = Page(self, session, target)
        self._pages[session] = page
        for domain in ("Page", "Runtime", "Log", "Network", "Audits"):
            self.call(f"{domain}.enable", {}, session)
        return page

    def tell(self, method, parameters, session=None):
        """Give a command, and return its number."""
        self._last += 1
        message = {"id": self._last, "method": method, "params": parameters}
        if session is not None:
            message["sessionId"] = session
        os.write(self._pipes[1], json.dumps(message).encode() + b"\0")
        return self._last

    def call(self, method, parameters, session=None):
        """What the browser answers to a command."""
        number, deadline = self.tell(method, parameters, session), time.monotonic() + LIMIT_S
        while number not in self._answers:
            self._listen(deadline, method)
        answer = self._answers.pop(number)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]

    def _listen(self, deadline, what):
        """Takes in what it says next."""
        ready, _, _ = select.select([self._pipes[0]], [], [], max(deadline - time.monotonic(), 0))
        if not ready:
            raise TimeoutError(f"the browser has not answered {what}")
        more = os.read(self._pipes[0], 1 << 16)
        if not more:
            raise ConnectionError("the browser has ended")
        *messages, self._rest = (self._rest + more).split(b"\0")
        for text in messages:
            message = json.loads(text)
            if "id" in message:
                self._answers[message["id"]] = message
            elif message.get("sessionId") in self._pages:
                self._pages[message["sessionId"]].hear(message["method"], message["params"])


class Page:
    """A page, as somebody has it before them."""

    def __init__(self, browser, session, target):
        self._browser = browser
        self._session = session
        self._target = target
        self._instead = {}
        # The addresses that it has asked for, and what it or the browser has complained of.
        self.asked = []
        self.complaints = []

    def hear(self, event, parameters):
        """Takes in an event of it."""
        if event == "Network.requestWillBeSent":
            self.asked.append(parameters["request"]["url"])
        elif event == "Runtime.consoleAPICalled" and parameters["type"] in ("error", "warning", "assert"):
            self.complaints.append(str([one.get("value", one.get("description")) for one in parameters["args"]]))
        elif event == "Runtime.exceptionThrown":
            details = parameters["exceptionDetails"]
            self.complaints.append(details.get("exception", {}).get("description", details["text"]))
        elif event == "Log.entryAdded" and parameters["entry"]["level"] in ("error", "warning"):
            self.complaints.append(f"{parameters['entry']['text']} {parameters['entry'].get('url', '')}")
        elif event == "Audits.issueAdded" and parameters["issue"]["code"] == "ContentSecurityPolicyIssue":
            self.complaints.append(json.dumps(parameters["issue"]["details"]))
        elif event == "Fetch.requestPaused":
            url = parameters["request"]["url"]
            body = next(body for part, body in self._instead.items() if part in url)
            answer = {"requestId": parameters["requestId"], "responseCode": 200, "body": body}
            answer["responseHeaders"] = [{"name": "Content-Type", "value": "application/json"}]
            self._browser.tell("Fetch.fulfillRequest", answer, self._session)

    def call(self, method, **parameters):
        """What the browser answers to a command about this page."""
        return self._browser.call(method, parameters, self._session)

    def open(self, url):
        """Go to an address."""
        answer = self.call("Page.navigate", url=url)
        if "errorText" in answer:
            raise ConnectionError(f"{url}: {answer['errorText']}")

    def close(self):
        """End it."""
        self._browser.call("Target.closeTarget", {"targetId": self._target})

    def answer_instead(self, answers):
        """From now on answer with these values when an address with these parts is asked for."""
        self._instead = {part: base64.b64encode(json.dumps(value).encode()).decode() for part, value in answers.items()}
        self.call("Fetch.enable", patterns=[{"urlPattern": f"*{part}*"} for part in answers])

    def value(self, expression):
        """What an expression of JavaScript gives."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def wait_for(self, expression, limit=LIMIT_S):
        """Return what an expression gives, once it is something."""
        try:
            return wait_until(lambda: self.value(expression), limit, expression, interval=0.05)
        except TimeoutError as error:
            raise TimeoutError(f"{error}; complaints: {self.complaints}") from error

    def press(self, key, modifiers=0):
        """A key, pressed and let go."""
        for kind in ("rawKeyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, modifiers=modifiers)

    def drag(self, origin, by):
        """The mouse pressed at a place, moved, and let go; without a way it is a click."""
        (x, y), (right, down) = origin, by
        mouse = {"button": "left", "clickCount": 1}
        self.call("Input.dispatchMouseEvent", type="mousePressed", x=x, y=y, **mouse)
        if by != (0, 0):
            for part in (0.5, 1):
                to = {"x": x + right * part, "y": y + down * part}
                self.call("Input.dispatchMouseEvent", type="mouseMoved", button="left", buttons=1, **to)
        self.call("Input.dispatchMouseEvent", type="mouseReleased", x=x + right, y=y + down, **mouse)

    def middle_of(self, selector):
        """Where an element is, in the window."""
        box = f"document.querySelector({json.dumps(selector)}).getBoundingClientRect()"
        return tuple(self.value(f"(({{x, y, width, height}}) => [x + width / 2, y + height / 2])({box})"))

    def click(self, selector):
        """A click on an element, once it is there and brought into view."""
        self.wait_for(f"document.querySelector({json.dumps(selector)})?.getBoundingClientRect().width > 0")
        self.value(f"document.querySelector({json.dumps(selector)}).scrollIntoView({{block: 'center'}})")
        self.drag(self.middle_of(selector), (0, 0))

    def picture(self, path, whole=False):
        """Write what is seen to a file (PNG)."""
        answer = self.call("Page.captureScreenshot", captureBeyondViewport=whole)
        with open(path, "wb") as file:
            file.write(base64.b64decode(answer["data"]))

    def show_dark(self, dark):
        """As somebody sees it who prefers dark colours, or doesn't."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
