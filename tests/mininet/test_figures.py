"""Figures and reports of campaigns whose results are made up: nothing here needs a network."""

import base64
import csv
import hashlib
import io
import json
import math
import re
import statistics
import xml.etree.ElementTree
from html import unescape
from html.parser import HTMLParser

import made_campaigns
import numpy
import pytest
from experiments import figures, report
from experiments.checks import HELD, NOT_HELD, NOT_MEASURED, checks, steps
from experiments.findings import reasons
from experiments.over_time import mean_and_spread, packets
from experiments.store import NotThere, Store
from experiments.summary import Results, statistic
from matplotlib.image import imread

# In the order of the report.
NAMES = list(figures.FIGURES)
VOID = ("meta", "img", "br")


class Page(HTMLParser):
    """Cells of tables, text and addresses of a page; fails on elements that aren't closed in turn."""

    def __init__(self, text):
        super().__init__()
        self.rows, self.text, self.addresses, self.elements, self._open = [], "", [], set(), []
        self.feed(text)
        self.close()
        assert not self._open

    def handle_starttag(self, tag, attrs):
        self.elements.add(tag)
        self.addresses += [value for name, value in attrs if name in ("src", "href", "data", "action", "background")]
        if tag not in VOID:
            self._open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if "style" in self._open:
            return
        self.text += data
        if self._open and self._open[-1] in ("td", "th"):
            self.rows[-1][-1] += data

    def row(self, *beginning):
        """The first row that begins with these cells."""
        return next(row for row in self.rows if row[: len(beginning)] == list(beginning))


@pytest.fixture(name="store")
def fixture_store(tmp_path):
    """An empty file of results."""
    with Store(tmp_path / "results.sqlite") as store:
        yield store


@pytest.fixture(name="whole", scope="module")
def fixture_whole(tmp_path_factory):
    """A campaign in which all was measured: results by session, figures, and the report's text."""
    directory = tmp_path_factory.mktemp("whole")
    with Store(directory / "results.sqlite") as store:
        campaign = made_campaigns.begin(store, made_campaigns.text())
        kept = made_campaigns.fill(store, campaign)
        drawn = figures.draw(store, campaign, directory / "figures")
        report.write(store, campaign, directory / "report.html", drawn)
        yield store, campaign, kept, drawn, (directory / "report.html").read_text(encoding="utf-8")


def chosen(store, campaign, kept, **wanted):
    """Made results of the sessions whose definitions say this, found without the code that is tested."""
    rows = store.rows(
        "SELECT sessions.id AS session, controller, algorithm, switches, rules FROM sessions"
        " JOIN definitions ON definition = definitions.id WHERE campaign = ?",
        campaign,
    )
    here = [row["session"] for row in rows if all(row[name] == value for name, value in wanted.items())]
    return [kept[session]["session"] for session in here if session in kept]


def written(store, campaign, tmp_path, drawn=None):
    """The report of a campaign, as a `Page`; with `drawn=()` nothing is drawn for it, which takes seconds."""
    report.write(store, campaign, tmp_path / "report.html", drawn)
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".")) == []
    return Page((tmp_path / "report.html").read_text(encoding="utf-8"))


def verdicts(store, campaign):
    """Expectation -> verdict."""
    return {check.expectation: check.verdict for check in checks(Results(store, campaign))}


def test_every_figure_is_drawn_and_shows_something(whole):
    drawn = whole[3]
    assert [figure.name for figure in drawn] == NAMES
    assert figures.left_out(drawn) == []
    for figure in drawn:
        image = imread(figure.png_path)[..., :3]
        height, width = image.shape[:2]
        # 16 cm at 200 dots per inch.
        assert (width, height > width / 4) == (1259, True), figure.name
        assert image.std() > 0.1, figure.name
        # Nothing is told by its colour.
        assert abs(image[..., 0] - image[..., 1]).max() < 0.01 and abs(image[..., 1] - image[..., 2]).max() < 0.01
        root = xml.etree.ElementTree.parse(figure.svg_path).getroot()
        assert sum(element.tag.endswith("}path") for element in root.iter()) > 20, figure.name


def test_captions_say_how_many_sessions(whole):
    for figure in whole[3]:
        expected = "n = 1 sessions" if figure.name == "floor" else r"n = (3|6|12) sessions"
        assert re.search(expected, figure.caption), figure.caption
        assert "2,000 packets/s of 128 bytes" in figure.caption


def test_the_same_data_give_the_same_files(whole, tmp_path):
    store, campaign, _, drawn, _ = whole
    again = figures.draw(store, campaign, tmp_path / "again")
    for one, other in zip(drawn, again, strict=True):
        for before, after in ((one.svg_path, other.svg_path), (one.png_path, other.png_path)):
            assert hashlib.sha256(before.read_bytes()).digest() == hashlib.sha256(after.read_bytes()).digest()


def test_the_tables_say_what_was_measured(whole):
    store, campaign, kept, _, text = whole
    page = Page(text)
    times, traffic, _ = (row for row in page.rows if row[:5] == ["os-ken", "move", "50", "10", "3"])
    runs = chosen(store, campaign, kept, controller="os-ken", algorithm="move", switches=50, rules=10)
    assert len(runs) == 3
    for column, cell in (("total_us", 5), ("plan_us", 7), ("rules_us", 8), ("wait_us", 9), ("wall_us", 11)):
        values = [run[column] / 1000 for run in runs]
        assert times[cell] == f"{sum(values) / 3:.2f} ± {statistics.stdev(values):.2f}", column
    assert times[6] == f"{max(run['total_us'] for run in runs) / 1000:.2f}"
    lost = [run["lost"] for run in runs]
    induced = [run["delay_during_us"] - run["delay_before_us"] for run in runs]
    errors = [run["counter_error"] for run in runs]
    assert traffic[5:] == [
        f"{sum(run['asked'] for run in runs):,}",
        f"{sum(run['sent'] for run in runs):,}",
        str(sum(lost)),
        str(sum(one > 0 for one in lost)),
        str(max(lost)),
        "0",
        "3",
        f"{max(run['silence_us'] for run in runs) / 1000:.1f}",
        f"{sum(induced) / 3:.0f} ± {statistics.stdev(induced):.0f}",
        f"{sum(errors) / 3:.1f}",
        str(max(errors, key=abs)),
    ]


def test_the_peer_is_a_ratio(whole):
    store, campaign, kept, _, text = whole
    row = Page(text).row("freeze-copy", "25", "1", "2,000/s × 128", "3 and 3")
    ours, theirs = (
        chosen(store, campaign, kept, controller=name, algorithm="freeze-copy", switches=25, rules=1)
        for name in ("godwit", "os-ken")
    )

    def ratio(*columns):
        one, other = (sum(run[column] for run in runs for column in columns) for runs in (ours, theirs))
        return f"{one / other:.2f}"

    assert row[5:7] == [ratio("total_us"), ratio("plan_us", "rules_us")]
    assert row[9] == ratio("lost")


def test_statistics_by_hand():
    found = statistic([4, None, 1, 2, 3])
    assert (found.n, found.mean, found.least, found.most, found.total, found.p95) == (4, 2.5, 1, 4, 10, 4)
    assert math.isclose(found.sd, math.sqrt(5 / 3))
    assert statistic(range(1, 101)).p95 == 95
    assert statistic([7]).sd is None
    assert statistic([None]) is None


def test_the_band_of_throughput_is_the_samples_deviation_too():
    mean, spread = mean_and_spread(numpy.array([[1.0, 5.0, 7.0], [2.0, numpy.nan, 7.0], [6.0, numpy.nan, 7.0]]))
    assert list(mean) == [3, 5, 7]
    assert spread == pytest.approx([statistics.stdev([1, 2, 6]), 0, 0])


def test_the_page_is_whole_and_loads_nothing(whole):
    _, _, _, drawn, text = whole
    page = Page(text)
    assert not page.elements & {"script", "link", "iframe", "object", "embed", "svg"}
    assert not re.search(r"@import|url\(", text)
    images = [address.partition("base64,") for address in page.addresses]
    assert [kind for kind, _, _ in images] == ["data:image/svg+xml;"] * len(drawn)
    assert [base64.b64decode(data) for _, _, data in images] == [figure.svg_path.read_bytes() for figure in drawn]
    for figure in drawn:
        assert figure.caption in unescape(text)
        assert "http" not in re.sub(r'(xmlns\S*|rdf:\S+)="[^"]*"|<!DOCTYPE[^>]*>', "", figure.svg_path.read_text())


def test_what_others_wrote_is_escaped(whole):
    text = whole[4]
    assert "<b>up</b>" not in text and "Made <Up>" not in text
    assert "made &lt;b&gt;up&lt;/b&gt;" in text and "Made &lt;Up&gt; &amp; Co" in text


def test_all_holds_where_it_does(whole):
    store, campaign, kept, _, text = whole
    found = verdicts(store, campaign)
    assert set(found.values()) == {HELD}
    # Three without loss, duplicates and error; the order; and three algorithms on two networks below 100 ms.
    assert len(found) == 10
    clones = chosen(store, campaign, kept, controller="godwit", algorithm="clone")
    sent = sum(run["sent"] for run in clones)
    assert f"Godwit's clone lost none of {sent:,} packets in 12 sessions." in unescape(text)
    assert "Where the order is another" not in text


def test_loss_in_a_single_clone_is_told(store, tmp_path):
    campaign = made_campaigns.begin(store, made_campaigns.text(sizes=(25,), rules=(1,)))

    def lose(session, result):
        if (session["controller"], session["algorithm"], session["cycle"]) == ("godwit", "clone", 2):
            result["session"].update(lost=3, received=result["session"]["sent"] - 3, duplicates=1, counter_error=-2)

    made_campaigns.fill(store, campaign, lose)
    found = verdicts(store, campaign)
    assert found["godwit's clone loses no packet"] == NOT_HELD
    assert found["godwit's clone duplicates no packet"] == NOT_HELD
    assert found["godwit's counters are exact after clone"] == NOT_HELD
    page = written(store, campaign, tmp_path, drawn=())
    assert page.row("godwit's clone loses no packet")[1:] == ["not held", "Not so in 1 of 3 sessions; at worst 3 packets."]
    assert "Godwit's clone lost packets in 1 of 3 sessions: 3 of 24,000 in all." in page.text
    assert "Godwit's clone lost none" not in page.text


def test_another_order_is_told_with_its_reason(store, tmp_path):
    campaign = made_campaigns.begin(store, made_campaigns.text(sizes=(25,), rules=(1,)))
    times = {"freeze-copy": (1000, 9000), "move": (2000, 3000), "clone": (2000, 4000)}

    def set_times(session, result):
        plan, writing = times[session["algorithm"]]
        if session["controller"] == "godwit":
            result["session"].update(plan_us=plan, rules_us=writing)
            result["phases"] = [
                {"position": 0, "name": "plan", "duration_us": plan},
                {"position": 1, "name": "cut", "duration_us": writing - 500},
                {"position": 2, "name": "remove", "duration_us": 500},
                {"position": 3, "name": "drain", "duration_us": 90_000 if session["algorithm"] == "freeze-copy" else 0},
            ]

    made_campaigns.fill(store, campaign, set_times)
    results = Results(store, campaign)
    assert [(step.first, step.second, step.held) for step in steps(results)] == [
        ("freeze-copy", "move", False),
        ("move", "clone", True),
    ]
    (reason,) = reasons(results)
    assert "freeze-copy took 10.00 ms and move 5.00 ms: 5.00 ms more" in reason
    assert "Planning makes -1.00 ms of it, writing rules +6.00 ms." in reason
    # Waiting isn't part of what is compared, however long it is.
    assert "The phase that differs most is cut: 8.50 ms against 2.50 ms." in reason
    page = written(store, campaign, tmp_path, drawn=())
    row = page.row("freeze-copy < move < clone in planning and writing rules, on average (godwit)")
    assert row[1] == "not held"
    assert "Run by run, freeze-copy took less than move in 0 of 3 pairs." in row[2]
    assert reason in page.text


@pytest.mark.parametrize("apart_us, clear", [(40, True), (20, False)])
def test_what_many_runs_show_is_not_called_chance(store, apart_us, clear):
    """25 runs each with a deviation of 50 µs: the difference of their means has a standard error of 14 µs."""
    campaign = made_campaigns.begin(store, made_campaigns.text(("godwit",), (25,), (1,), cycles=25))

    def set_times(session, result):
        slower = apart_us if session["algorithm"] == "freeze-copy" else 0
        spread = 50 if session["cycle"] % 2 else -50
        result["session"].update(plan_us=1000 + spread + slower, rules_us=2000)

    made_campaigns.fill(store, campaign, set_times)
    step = steps(Results(store, campaign))[0]
    assert (step.held, step.clear) == (False, clear)
    assert ("it may be chance" in reasons(Results(store, campaign))[0]) == (not clear)


def test_a_slow_migration_is_told(store):
    campaign = made_campaigns.begin(store, made_campaigns.text(sizes=(25, 50), rules=(1,)))

    def slow(session, result):
        if (session["algorithm"], session["switches"], session["cycle"]) == ("move", 50, 3):
            result["session"]["total_us"] = 100_000

    made_campaigns.fill(store, campaign, slow)
    found = verdicts(store, campaign)
    below = {text: verdict for text, verdict in found.items() if "100 ms" in text}
    assert [text for text, verdict in below.items() if verdict == NOT_HELD] == [
        "godwit's move at 50 switches with 1 rule takes less than 100 ms"
    ]
    assert len(below) == 6


def test_a_campaign_without_results_is_told(store, tmp_path):
    campaign = made_campaigns.begin(store, made_campaigns.text(sizes=(25,), rules=(1,)))
    assert figures.draw(store, campaign, tmp_path / "figures") == []
    assert not list((tmp_path / "figures").iterdir())
    page = written(store, campaign, tmp_path)
    assert "Sessions: 0 done, 0 failed, 18 not tried to the end. The campaign began" in page.text
    assert "No session is done" in page.text and "and has not ended" in page.text
    assert all(title in page.text for title, _ in figures.FIGURES.values())
    assert set(verdicts(store, campaign).values()) == {NOT_MEASURED}
    assert "img" not in page.elements


def test_a_campaign_that_has_ended_and_is_resumed_ended_when_it_did(store, monkeypatch):
    campaign = made_campaigns.begin(store, made_campaigns.text(("godwit",), (25,), (1,), cycles=1))
    monkeypatch.setattr("experiments.store.now", lambda: "then")
    made_campaigns.fill(store, campaign)
    monkeypatch.setattr("experiments.store.now", lambda: "later")
    store.reopen(campaign, failed=True)
    store.finish(campaign)
    assert store.campaign()["finished_at"] == "then"
    store.failed(store.sessions(campaign)[0]["id"], "late")
    store.reopen(campaign, failed=True)
    assert store.campaign()["finished_at"] is None
    store.finish(campaign)
    assert store.campaign()["finished_at"] == "later"


def test_failures_are_told_with_their_reasons(store, tmp_path):
    campaign = made_campaigns.begin(store, made_campaigns.text(sizes=(25,), rules=(1,)))
    for session in made_campaigns.pending(store, campaign):
        store.failed(session["session"], "the <network> broke & fell")
    page = written(store, campaign, tmp_path)
    assert "Sessions: 0 done, 18 failed, 0 not tried to the end." in page.text
    assert sum(row[-1] == "the <network> broke & fell" for row in page.rows) == 18


def test_one_controller_needs_no_peer(store, tmp_path):
    campaign = made_campaigns.begin(store, made_campaigns.text(("godwit",), (25,), (1,), cycles=1))
    made_campaigns.fill(store, campaign)
    page = written(store, campaign, tmp_path, drawn=())
    assert "Controllers with results: godwit." in page.text
    assert "Only one controller has results: godwit." in page.text
    # A single run has no deviation.
    assert "±" not in page.row("godwit", "clone", "25", "1", "1")[5]
    assert verdicts(store, campaign)["godwit's clone loses no packet"] == HELD


def test_os_ken_alone_says_nothing_of_godwit(store, tmp_path):
    campaign = made_campaigns.begin(store, made_campaigns.text(("os-ken",), (25,), (1,)))
    made_campaigns.fill(store, campaign)
    page = written(store, campaign, tmp_path)
    assert set(verdicts(store, campaign).values()) == {NOT_MEASURED}
    assert "Godwit's clone" not in page.text
    assert page.row("migration time, however many rules")[2] == "not measured"


def test_what_was_not_measured_has_no_figure(store, tmp_path):
    campaign = made_campaigns.begin(store, made_campaigns.text(sizes=(25,), rules=(1,)))

    def only_times(_, result):
        result["session"].update(floor_us=None, counter_error=None, delay_before_us=None)
        result.update(transfers=[], delays=[], losses=[])

    made_campaigns.fill(store, campaign, only_times)
    drawn = figures.draw(store, campaign, tmp_path)
    missing = ["delays", "losses", "throughput", "counter-error", "floor", "bandwidth", "jitter", "heat-map"]
    assert [figure.name for figure in drawn] == [name for name in NAMES if name not in missing]
    page = written(store, campaign, tmp_path, drawn)
    titles = ", ".join(figures.FIGURES[name][0] for name in missing)
    assert f"Left out, since nothing was measured for them: {titles}." in page.text


def test_each_sample_says_what_it_was_measured_with(store):
    campaign = made_campaigns.begin(store, made_campaigns.text(("godwit",), (25,), (1,), cycles=1))
    kept = made_campaigns.fill(store, campaign)
    output = io.StringIO()
    store.export(campaign, output)
    rows = list(csv.DictReader(io.StringIO(output.getvalue())))
    assert len(rows) == sum(len(result["transfers"]) for result in kept.values())
    for row in rows:
        assert (row["name"], row["seed"]) == (f"godwit {row['algorithm']} waxman,25,3,1 1x2000/s 128B", "7")
        assert row["git_revision"] == made_campaigns.SURROUNDINGS["git_revision"]
        for column in ("versions", "machine"):
            assert json.loads(row[column]) == made_campaigns.SURROUNDINGS[column]


def test_topologies_of_one_size_are_pooled(store):
    campaign = made_campaigns.begin(store, made_campaigns.text(("godwit",), (25,), (1,), cycles=2, topologies=3))
    made_campaigns.fill(store, campaign)
    assert [len(group.runs) for group in Results(store, campaign).groups()] == [6, 6, 6]


def test_packets_of_a_gap_follow_at_the_flows_pace():
    gap, run = {"at_ms": -1.5, "count": 3}, {"rules": 10, "rate": 2000}
    assert packets(gap, run) == [-1.5, 3.5, 8.5]


def test_a_campaign_that_is_not_there_leaves_nothing(store, tmp_path):
    with pytest.raises(NotThere, match="there is no campaign 7"):
        report.write(store, 7, tmp_path / "report.html")
    with pytest.raises(NotThere):
        figures.draw(store, 7, tmp_path / "figures")
    assert sorted(path.suffix for path in tmp_path.iterdir() if "sqlite" not in path.name) == []
