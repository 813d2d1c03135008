"""The dashboard and `/docs` as a browser has them: what is shown, what can be done, that nothing is asked of anybody
else, and that neither the page nor the browser complains."""

import json
import re
import signal
import time

import pytest

from browser import Browser
from controller import Refused
from live_network import LIMIT_S, arp, network
from live_switch import PROTOCOLS
from processes import wait_until

# A name is text, whatever it looks like.
ODD, ODD_DPID = "<b>s3", 3
DESCRIPTION = "<i>next to the</i> <img src=x>door"
SHIFT = 8


def dpid(number):
    """A switch as REST and the page name it."""
    return f"{number:016x}"


def node(number, inside=""):
    """A switch in the picture."""
    return f"#picture .switch[data-dpid='{dpid(number)}'] {inside}".strip()


def quoted(selector):
    """An element, in JavaScript."""
    return f"document.querySelector({json.dumps(selector)})"


def shown(page, selector):
    """The text of every such element."""
    return page.value(f"[...document.querySelectorAll({json.dumps(selector)})].map((one) => one.textContent)")


def wait_for_text(page, selector, text):
    """Return when an element has this text in it."""
    page.wait_for(f"{quoted(selector)}?.textContent.includes({json.dumps(text)})")


def place(page, number):
    """Where a switch is drawn."""
    there = page.value(f"{quoted(node(number))}.getAttribute('transform')")
    return tuple(float(part) for part in re.findall(r"-?[\d.]+", there))


def no_complaints(page, controller):
    """The page has asked this controller alone, and nobody has complained."""
    assert page.complaints == []
    elsewhere = [url for url in page.asked if not url.startswith((controller.url + "/", "data:", "blob:"))]
    assert elsewhere == []


@pytest.fixture(scope="module", name="live")
def live_network():
    """The controller, its Open vSwitch, and a browser; besides the two switches there is one whose name is odd."""
    with network() as (controller, open_vswitch), Browser() as browser:
        settings = ["datapath_type=dummy", "fail_mode=secure", f"protocols={PROTOCOLS['1.3']}"]
        settings += [f"other-config:datapath-id={dpid(ODD_DPID)}", f'other-config:dp-desc="{DESCRIPTION}"']
        target = f"tcp:127.0.0.1:{controller.openflow_port}"
        open_vswitch.vsctl("add-br", ODD, "--", "set", "bridge", ODD, *settings, "--", "set-controller", ODD, target)
        wait_until(lambda: len(controller.api.get("/switches")) == 3, LIMIT_S, "the third switch")
        yield controller, open_vswitch, browser


@pytest.fixture(name="page")
def dashboard(live):
    """The dashboard, once it shows the network."""
    controller, _, browser = live
    page = browser.page()
    page.open(f"{controller.url}/")
    page.wait_for("document.querySelectorAll('#picture .switch').length == 3")
    wait_for_text(page, "#connection", "live")
    yield page
    page.close()


def test_what_is_known_is_shown_and_names_are_text(live, page):
    """Switches, the link, hosts, states, events; a switch's description and rules when it is chosen."""
    controller = live[0]
    assert sorted(shown(page, "#picture .switch .label")) == sorted([ODD, "s1", "s2"])
    assert len(shown(page, "#picture .link")) == 1
    assert sorted(shown(page, "#picture .host-name")) == ["10.0.0.1", "10.0.0.2"]
    wait_for_text(page, "#counts", "3 switches, 1 link, 2 hosts")
    rows = shown(page, "#switches tbody tr")
    assert [row[:2] for row in rows[:2]] == ["s1", "s2"] and rows[2].startswith(ODD)
    assert all("active" in row for row in rows)
    wait_for_text(page, "#hosts", "00:00:00:00:00:01")
    wait_for_text(page, "#apps", "enabled")
    # What happened before the page was opened.
    wait_for_text(page, "#events", f"switch {ODD} is ready")
    wait_for_text(page, "#events", "link s1/2 → s2/2 is found")
    for number, version in ((1, "1.3"), (2, "1.0")):
        page.click(node(number, ".ring"))
        wait_for_text(page, "#chosen-name", f"s{number}")
        wait_for_text(page, "#chosen-facts", "Open vSwitch")
        rules = len(controller.api.get(f"/switches/s{number}/rules"))
        wait_for_text(page, "#chosen-facts", f"rules{rules} in 1 table")
        assert f"OpenFlow{version}" in page.value(f"{quoted('#chosen-facts')}.textContent").replace("\n", "")
        assert f"10.0.0.{number}" in shown(page, "#chosen-ports tbody tr")[0]
    page.click("#switches tbody tr:nth-child(3) button")
    wait_for_text(page, "#chosen-name", ODD)
    wait_for_text(page, "#chosen-facts", DESCRIPTION)
    assert page.value("document.querySelectorAll('b, i, img').length") == 0
    no_complaints(page, controller)
    assert len(page.asked) < 60


def test_markup_that_got_in_would_do_nothing(page):
    """The policy, as the browser has it: no script or style inside the page, nothing from elsewhere."""
    page.value(
        """for (const [name, of] of [["script", {}], ["style", {}], ["img", { src: "http://127.0.0.2:9/" }]]) {
          const made = Object.assign(document.createElement(name), of);
          if (name === "script") made.textContent = "globalThis.ran = true";
          if (name === "style") made.textContent = "body { display: none }";
          document.body.append(made);
        }"""
    )
    page.wait_for("document.images[0].complete")
    assert page.value("globalThis.ran") is None
    assert page.value("getComputedStyle(document.body).display") == "block"
    for directive in ("script-src", "style-src", "img-src"):
        assert any(directive in text for text in page.complaints), page.complaints


def test_a_switch_is_emptied_and_restored(live, page):
    """By its forecast and a confirmation, live; what is refused says why, as REST does."""
    controller = live[0]
    page.click(node(ODD_DPID, ".ring"))
    page.click("#migrate")
    assert page.value(f"{quoted('#migration-begin')}.disabled")
    page.click("#migration-check")
    wait_for_text(page, "#migration-expected", "switch-over")
    # Another choice needs another forecast.
    page.value(f"{quoted('#migration-algorithm')}.value = 'move'")
    page.value(f"{quoted('#migration-algorithm')}.dispatchEvent(new Event('change', {{ bubbles: true }}))")
    assert page.value(f"{quoted('#migration-begin')}.disabled && {quoted('#migration-forecast')}.hidden")
    assert controller.api.get("/migrations") == []
    page.click("#migration-check")
    page.wait_for(f"!{quoted('#migration-begin')}.disabled")
    page.click("#migration-begin")
    wait_for_text(page, "#migrations tbody tr", "committed")
    row = shown(page, "#migrations tbody tr")[0]
    assert "move" in row and "plan" in row and "commit" in row and "Revert…" in row and ODD in row
    wait_for_text(page, "#events", f"migration 1 of {ODD} is committed")
    # Also told apart without colour.
    page.wait_for(f"{quoted(node(ODD_DPID))}.classList.contains('drained')")
    assert page.value(f"{quoted(node(ODD_DPID, '.body'))}.localName") == "path"
    assert page.value(f"{quoted(node(1, '.body'))}.localName") == "circle"
    assert page.value(f"{quoted(node(ODD_DPID))}.getAttribute('aria-label')") == f"Switch {ODD}, drained"
    page.click("#restore")
    page.click("#confirmation-yes")
    page.wait_for(f"{quoted(node(ODD_DPID))}.classList.contains('active')")
    wait_for_text(page, "#announced", "is restored")
    no_complaints(page, controller)

    page.click(node(1, ".ring"))
    page.click("#migrate")
    page.click("#migration-check")
    page.wait_for(f"{quoted('#migration-error')}.textContent")
    with pytest.raises(Refused) as refused:
        controller.api.post("/migrations", {"source": "s1", "algorithm": "clone", "dry_run": True})
    problem = refused.value.problem()
    assert shown(page, "#migration-error p") == [problem["detail"]]
    assert shown(page, "#migration-error li") == problem["reasons"] != []
    assert page.value(f"{quoted('#migration-begin')}.disabled")


def test_switches_stay_where_somebody_puts_them(live, page):
    """By the mouse, and by keys, which also choose them; a change of the network doesn't move them."""
    open_vswitch = live[1]
    before = place(page, 1), place(page, 2)
    page.drag(page.middle_of(node(1, ".ring")), (90, 60))
    moved = place(page, 1)
    assert moved[0] > before[0][0] + 10 and moved[1] > before[0][1] + 10
    assert place(page, 2) == before[1]
    assert page.value(f"{quoted('#chosen')}.hidden"), "it was moved, not chosen"
    page.value(f"{quoted(node(1))}.focus()")
    page.press("ArrowRight", SHIFT)
    assert place(page, 1) == pytest.approx((moved[0] + 20, moved[1]))
    page.press("Enter")
    wait_for_text(page, "#chosen-name", "s1")
    page.press("ArrowLeft")
    page.press("ArrowRight")
    assert page.value("document.activeElement.classList.contains('switch')")
    open_vswitch.appctl("netdev-dummy/receive", "s1-host", arp(4))
    wait_for_text(page, "#counts", "3 hosts")
    assert (place(page, 1), place(page, 2)) == (pytest.approx((moved[0] + 20, moved[1])), before[1])


def test_links_show_what_they_carry_and_what_they_are(live):
    """How full, one way only, through something else: each looks different and says so."""
    controller, _, browser = live
    page = browser.page()

    def end(number, port):
        return {"dpid": dpid(number), "port": port}

    def link(src, dst, **more):
        return {"src": src, "dst": dst, "one_way": False, "indirect": False, **more}

    ends = [(end(1, 2), end(2, 2)), (end(2, 3), end(3, 3)), (end(3, 4), end(1, 4))]
    links = [link(*ends[0]), link(*reversed(ends[0])), link(*ends[1], one_way=True), link(*ends[2], indirect=True)]
    rate = {"bits_per_second": 8.1e8, "packets_per_second": 1e5, "utilisation": 0.81}
    rates = {"links": [{"src": ends[0][1], "dst": ends[0][0], **rate}], "routes": []}
    page.answer_instead({"/v1/links": links, "/v1/statistics": rates})
    page.open(f"{controller.url}/")
    page.wait_for("document.querySelectorAll('#picture .link').length == 3")
    page.wait_for("document.querySelectorAll('#picture .link.used-4').length == 1")
    assert shown(page, "#picture .link.used-4 .used") == ["81 %"]
    assert shown(page, "#picture .link.used-4 title") == ["s1/2 – s2/2; s2/2 → s1/2: 810 Mbit/s"]
    assert "one way only" in shown(page, "#picture .link.one-way title")[0]
    assert "no OpenFlow" in shown(page, "#picture .link.indirect title")[0]
    assert "s2/2 → s1/2" in shown(page, "#links tbody tr")[0] and "81 %" in shown(page, "#links tbody tr")[0]
    no_complaints(page, controller)
    page.close()


LAYOUT = """(async () => {
  const { Layout } = await import("/dashboard/layout.js");
  const torus = (size) => {
    const name = (row, column) => `n${String((row % size) * size + (column % size)).padStart(4, "0")}`;
    const pairs = [];
    for (let row = 0; row < size; row += 1) for (let column = 0; column < size; column += 1) {
      pairs.push([name(row, column), name(row, column + 1)], [name(row, column), name(row + 1, column)]);
    }
    return [[...new Set(pairs.flat())], pairs];
  };
  const ring = Array.from({ length: 12 }, (_, at) => `n${at + 10}`);
  const round = ring.map((name, at) => [name, ring[(at + 1) % 12]]);
  const of = (layout) => [...layout.points].sort().map(([name, { x, y }]) => [name, x, y]);
  const apart = (layout, one, other) => {
    const [a, b] = [one, other].map((name) => layout.points.get(name));
    return Math.hypot(a.x - b.x, a.y - b.y);
  };
  const [names, pairs] = torus(10);
  const begun = performance.now();
  const first = new Layout();
  first.update(names, pairs);
  const took = performance.now() - begun;
  const second = new Layout();
  second.update([...names].reverse().slice(0, 50), []);
  second.update([...names].reverse(), [...pairs].reverse());
  const nearest = Math.min(...names.flatMap((one, at) => names.slice(0, at).map((other) => apart(first, one, other))));
  const circle = new Layout();
  circle.update(ring, round);
  const before = of(circle);
  const less = circle.update(ring, round.slice(1));
  const steps = round.map(([one, other]) => apart(circle, one, other));
  circle.update([...ring, "new"], [...round, ["new", ring[0]]]);
  const moves = before.map(([name, x, y]) => {
    const now = circle.points.get(name);
    return Math.hypot(now.x - x, now.y - y);
  });
  const same = JSON.stringify(of(first)) === JSON.stringify(of(second));
  return { took, nearest, same, less, steps, moved: Math.max(...moves), near: apart(circle, "new", ring[0]) };
})()"""

FRAMES = """(async () => {
  const { Frames } = await import("/dashboard/events.js");
  const frames = new Frames();
  const text = ":\\n\\nid: 7-1\\nretry: 2000\\n\\nid: 7-2\\nevent: link\\ndata: {\\ndata: }\\n\\n";
  const all = [...text].flatMap((letter) => frames.add(letter));
  return [all, new Frames().add(text)].map((list) => list.map(({ id, event, data }) => [id, event, data]));
})()"""


def test_the_picture_is_always_the_same_and_changes_little(page):
    """A hundred switches don't cover each other; a link less moves nothing, a switch more little."""
    made = page.value(LAYOUT)
    assert made["same"], "the order in which switches come makes no difference"
    assert made["nearest"] > 0.7 and made["took"] < 3000
    assert not made["less"]
    assert max(made["steps"]) < 2.5 * min(made["steps"])
    assert made["moved"] < 1 and made["near"] < 1.6
    one, other = page.value(FRAMES)
    assert one == other == [[None, "message", ""], ["7-1", "message", ""], ["7-2", "link", "{\n}"]]


def test_the_operations_are_shown_at_docs(live):
    """Swagger UI makes something of the document."""
    controller, _, browser = live
    page = browser.page()
    page.open(f"{controller.url}/docs")
    page.wait_for("document.querySelectorAll('.opblock-tag').length > 5")
    page.click(".opblock-tag[data-tag='migrations']")
    page.wait_for("document.querySelectorAll('#operations-migrations-post_v1_migrations').length == 1")
    document = controller.api.request("GET", "/openapi.json").json()
    tags = {operation["tags"][0] for path in document["paths"].values() for operation in path.values()}
    assert {text.strip() for text in shown(page, ".opblock-tag a")} == tags
    assert shown(page, ".errors-wrapper") == []
    no_complaints(page, controller)
    page.close()


def test_it_says_that_the_controller_is_away_and_goes_on_when_it_is_back(live, page):
    """What is known stays to be seen meanwhile."""
    controller = live[0]
    assert page.value(f"{quoted('#unreachable')}.hidden")
    controller.halt(signal.SIGKILL)
    wait_for_text(page, "#unreachable", "can't be reached")
    assert not page.value(f"{quoted('#unreachable')}.hidden")
    wait_for_text(page, "#connection", "not reached")
    assert len(shown(page, "#picture .switch")) == 3
    controller.resume()
    begun = time.monotonic()
    page.wait_for(f"{quoted('#unreachable')}.hidden && {quoted('#connection')}.textContent == 'live'")
    assert time.monotonic() - begun < 10
    # Nothing but that requests got no answer.
    unanswered = "net::ERR_"
    assert [text for text in page.complaints if unanswered not in text] == []
