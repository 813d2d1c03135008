"""Campaigns: what their files say, how they are carried out, and what is kept of them."""

import csv
import io
import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass

import pytest

import evaluate
import made_campaigns
from experiments.definition import BadDefinition, Definition, parse
from experiments.place import Place, built, place_in
from experiments.runner import in_order
from experiments.session import FINE_MS, in_both, transfers
from experiments.store import NotThere, Store
from processes import PROJECT, children, start, wait_until
from traces import assert_nothing_new, traces

# Some tests bring up several networks one after another.
pytestmark = pytest.mark.limit(300)

CAMPAIGN = os.path.join(PROJECT, "mininet", "campaign.py")

MILLISECOND_NS = 1_000_000

SMALL = """
name = "small"
[defaults]
topology = "abilene"
lead_s = 0.3
tail_s = 0.3
[[migrations]]
algorithm = ["clone", "freeze-copy"]
rules = 2
cycles = 2
"""


def test_lists_are_multiplied_out():
    campaign = parse(
        'name = "many"\nseed = 7\n[defaults]\nrate = 500\n[[migrations]]\ntopology = ["ring,5", "ring,6"]\n'
        'algorithm = ["move", "clone"]\nrules = [1, 10, 100]\n[[migrations]]\ntopology = "abilene"\ncontroller = "os-ken"\n'
    )
    assert campaign.seed == 7 and len(campaign.definitions) == 13
    assert {(one.topology, one.algorithm, one.rules) for one in campaign.definitions[:12]} == {
        (topology, algorithm, rules)
        for topology in ("ring,5", "ring,6")
        for algorithm in ("move", "clone")
        for rules in (1, 10, 100)
    }
    last = campaign.definitions[12]
    assert (last.controller, last.algorithm, last.rules, last.rate) == ("os-ken", "clone", 1, 500)


def test_what_differs_in_any_way_is_not_the_same_twice():
    tables = ["size = [64, 1024]", "separate = false", 'source = "s7"\ntarget = "s6"']
    text = 'name = "x"\n' + "".join(f'[[migrations]]\ntopology = "abilene"\n{table}\n' for table in tables)
    assert [one.name for one in parse(text).definitions] == [
        "godwit clone abilene 1x2000/s 64B",
        "godwit clone abilene 1x2000/s 1024B",
        "godwit clone abilene 1x2000/s 128B shared",
        "godwit clone abilene 1x2000/s 128B s7>s6",
    ]


@pytest.mark.parametrize(
    "text, said",
    [
        ("name = ", "not TOML"),
        ('[[migrations]]\ntopology = "abilene"', "name"),
        ('name = "x"', "migrations: there is none"),
        ('name = "x"\nspeed = 1\n[[migrations]]\ntopology = "abilene"', "the file: not known: speed"),
        ('name = "x"\n[[migrations]]\nrules = 1', "migrations 1: topology is missing"),
        ('name = "x"\n[[migrations]]\ntopology = "abilene"\nrules = 0', "migrations 1: rules: 0 is not between"),
        ('name = "x"\n[[migrations]]\ntopology = "abilene"\nrules = "1"', "migrations 1: rules: '1' is not a whole number"),
        ('name = "x"\n[[migrations]]\ntopology = "abilene"\nrules = true', "rules: True is not a whole number"),
        ('name = "x"\n[[migrations]]\ntopology = "abilene"\nlead_s = nan', "lead_s: nan is not between"),
        ('name = "x"\n[[migrations]]\ntopology = "abilene"\nalgorithm = "copy"', "'copy' is none of freeze-copy"),
        ('name = "x"\n[[migrations]]\ntopology = "abilene"\nsource = "s7"', "source and target go together"),
        ('name = "x"\n[[migrations]]\ntopology = "abilene"\nrules = [1, 1]', "defined twice"),
        ('name = "x"\n[[migrations]]\ntopology = "abilene"\nrulez = 1', "migrations 1: not known: rulez"),
        ('name = "x"\nmigrations = 3', "migrations: 3 is not a list"),
    ],
)
def test_what_a_file_must_not_say_is_named(text, said):
    with pytest.raises(BadDefinition, match=said):
        parse(text)


@pytest.mark.parametrize("cycles", [0, -1, 100_001])
def test_no_cycles_and_too_many_are_refused(cycles):
    with pytest.raises(BadDefinition, match=f"cycles: {cycles} is not between 1 and 100000"):
        parse(SMALL).repeated(cycles)
    assert {one.cycles for one in parse(SMALL).repeated(7).definitions} == {7}


@pytest.mark.parametrize(
    "topology, said",
    [
        ("donut,3", "there is no donut"),
        ("ring,1,2,3", "ring,1,2,3: too many"),
        ("ring,size=3", "ring,size=3: .*'size'"),
        ("ring,inf", "ring,inf: "),
        ("random,abc", "random,abc: switches has to be a number"),
    ],
)
def test_a_network_that_cannot_be_is_named(topology, said):
    with pytest.raises(BadDefinition, match=said):
        built(topology)


def test_networks_have_options_as_mininet_has_them():
    assert len(built("waxman,9,3,1,hosts=all").hosts()) == 9
    assert len(built("map,Abilene,hosts=two").hosts()) == 2


def test_the_place_of_a_migration_is_between_the_hosts_on_paths_that_are_certain():
    assert place_in(built("ring,6")) == Place("h1", "h3", "s2", "s5", hops=3)
    assert place_in(built("ring,6"), "s3", "s6") == Place("h2", "h4", "s3", "s6", hops=3)
    with pytest.raises(BadDefinition, match="no switch s9"):
        place_in(built("ring,6"), "s9", "s1")
    # Of a mesh no switch is between others.
    with pytest.raises(BadDefinition, match="no migration"):
        place_in(built("mesh,5"))


def test_definitions_take_turns_and_every_seed_has_its_own_order():
    definitions = {
        number: Definition(topology, algorithm)
        for number, (topology, algorithm) in enumerate((t, a) for t in ("ring,5", "ring,6") for a in ("move", "clone"))
    }
    sessions = [
        {"id": 10 * number + cycle, "definition": number, "cycle": cycle} for number in definitions for cycle in range(20)
    ]
    first, second = in_order(sessions, definitions, seed=1)
    assert {one["definition"] for one in first} == {0, 1} and {one["definition"] for one in second} == {2, 3}
    assert [one["cycle"] for one in first] == [cycle for cycle in range(20) for _ in range(2)]
    assert in_order(sessions, definitions, seed=1) == [first, second]
    assert in_order(sessions, definitions, seed=2) != [first, second]


@dataclass
class Fine:
    """A fine sample as the probe gives it."""

    at_ns: int
    sent: int = 20
    received: int = 20
    lost: int = 0
    duplicates: int = 0
    bits_sent: int = 20_000
    bits_received: int = 20_000
    bits_arrived: int = 20_000
    delay_mean_us: int = 100
    delay_max_us: int = 200
    jitter_us: int = 10


def test_samples_begin_at_the_request_and_only_whole_ones_count():
    requested_ns = 1_000 * MILLISECOND_NS + 3 * MILLISECOND_NS
    samples = [Fine(at_ns) for at_ns in range(500 * MILLISECOND_NS, 1_500 * MILLISECOND_NS, FINE_MS * MILLISECOND_NS)]
    # Sent in the first sample after the request: half are lost, the others late.
    for sample in samples[50:60]:
        sample.received, sample.lost, sample.bits_received, sample.delay_mean_us, sample.delay_max_us = 10, 10, 10_000, 900, 950
    found = transfers(samples, requested_ns, 100)
    assert [row["at_ms"] for row in found] == list(range(-400, 400, 100))
    assert {row["sent"] for row in found} == {200} and {row["bandwidth"] for row in found} == {2_000_000}
    assert [row["lost"] for row in found] == [0] * 4 + [100] + [0] * 3
    assert [row["bits_lost"] for row in found] == [0] * 4 + [100_000] + [0] * 3
    assert [row["delay_mean_us"] for row in found] == [100] * 4 + [900] + [100] * 3
    there, back = in_both(found, transfers(samples[30:], requested_ns, 100))
    assert [row["at_ms"] for row in there] == [row["at_ms"] for row in back] == list(range(-100, 400, 100))


def campaign(*arguments):
    """What the program answers."""
    return subprocess.run(
        [sys.executable, CAMPAIGN, *map(str, arguments)], capture_output=True, text=True, timeout=170, check=False
    )


@pytest.fixture
def results(tmp_path):
    """Where results go."""
    return str(tmp_path / "results.sqlite")


@pytest.fixture
def begin(tmp_path, results):
    """Starts a campaign that is defined by a text."""
    path = tmp_path / "campaign.toml"

    def started(text, *arguments):
        path.write_text(text)
        words = [sys.executable, CAMPAIGN, "run", path, "--results", results, *arguments]
        return start(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    return started


def finished(process, code=0):
    """What a campaign wrote, once it has ended."""
    output, _ = process.communicate(timeout=170)
    assert process.returncode == code, output
    return output


def statuses(results):
    """The state of each session; none before the campaign is begun."""
    if not os.path.exists(results):
        return []
    with Store(results) as store:
        return [session["status"] for one in store.campaigns() for session in store.sessions(one["id"])]


def assert_held(session):
    """What is promised of every session, and by clone."""
    assert session["sent"] > 0 and session["sent"] == session["received"] + session["lost"] and session["lost"] >= 0
    assert session["total_us"] >= session["plan_us"] + session["rules_us"] + session["wait_us"] > 0
    assert session["wall_us"] >= session["total_us"]
    if session["algorithm"] == "clone":
        assert (session["lost"], session["duplicates"], session["counter_error"]) == (0, 0, 0)


def test_a_campaign_is_measured_kept_and_shown(begin, results):
    before = traces()
    assert "small: 4 done" in finished(begin(SMALL))
    assert_nothing_new(before)
    with Store(results) as store:
        stored = store.campaign("small")
        sessions = store.sessions(stored["id"])
        transferred = store.rows("SELECT session, SUM(sent) AS sent, SUM(lost) AS lost FROM transfers GROUP BY session")
        lost = {row["session"]: row["count"] for row in store.rows("SELECT session, SUM(count) AS count FROM losses GROUP BY 1")}
    assert stored["finished_at"] and len(sessions) == 4
    for session in sessions:
        assert_held(session)
        assert (session["switches"], session["links"], session["source"]) == (11, 14, "s7")
        assert lost.get(session["id"], 0) == session["lost"]
    assert len(transferred) == 4 and all(row["sent"] > 0 for row in transferred)
    # Both algorithms write rules; only the one that takes them away first loses packets.
    assert any(one["lost"] for one in sessions if one["algorithm"] == "freeze-copy")
    assert {one["cycle"] for one in sessions if one["floor_us"]} == {1}

    shown = campaign("show", "--results", results)
    assert shown.returncode == 0 and "godwit clone abilene" in shown.stdout and "2 / 2" in shown.stdout
    assert "small" in campaign("list", "--results", results).stdout
    rows = list(csv.DictReader(io.StringIO(campaign("export", "small", "--results", results).stdout)))
    assert sum(int(row["sent"]) for row in rows) == sum(row["sent"] for row in transferred)
    assert {row["algorithm"] for row in rows} == {"clone", "freeze-copy"}


def test_a_campaign_that_was_killed_goes_on_where_it_was(begin, results):
    before = traces()
    killed = begin(SMALL)
    try:
        wait_until(lambda: "done" in statuses(results), 120, "the first session done")
    finally:
        killed.send_signal(signal.SIGKILL)
        killed.communicate()
    # All that ran in its lab is gone; its directory is what a kill leaves.
    assert_nothing_new(before | {one for one in traces() if one.startswith("file ") and "godwit-campaign-" in one})
    then = statuses(results)
    assert 0 < then.count("done") < 4
    refused = finished(begin(SMALL.replace("rules = 2", "rules = 3"), "--resume"), code=1)
    assert "its file has changed" in refused
    finished(begin(SMALL, "--resume"))
    with Store(results) as store:
        assert len(store.campaigns()) == 1
        sessions = store.sessions(store.campaign()["id"])
        assert [one["status"] for one in sessions] == ["done"] * 4
        for session in sessions:
            assert_held(session)


def test_ctrl_c_leaves_nothing_and_says_how_to_go_on(begin, results):
    before = traces()
    process = begin(SMALL)
    wait_until(lambda: "running" in statuses(results), 120, "the first session running")
    process.send_signal(signal.SIGINT)
    assert "--resume" in finished(process, code=130)
    assert_nothing_new(before)


def test_a_session_that_fails_is_recorded_and_the_next_has_a_network_of_its_own(begin, results):
    before = traces()
    process = begin(SMALL)
    wait_until(lambda: "running" in statuses(results), 120, "the first session running")
    os.kill(controller_of(process.pid), signal.SIGKILL)
    output = finished(process, code=1)
    assert "3 done, 1 failed" in output
    assert_nothing_new(before)
    with Store(results) as store:
        sessions = store.sessions(store.campaign()["id"])
    failed = [one for one in sessions if one["status"] == "failed"]
    assert len(failed) == 1 and failed[0]["error"] and failed[0]["total_us"] is None
    assert failed[0]["error"] in output and "failed: 1 (godwit" in campaign("show", "--results", results).stdout
    finished(begin(SMALL, "--resume", "--retry-failed"))
    assert statuses(results) == ["done"] * 4


def controller_of(process):
    """The id of the controller that runs somewhere below this process."""

    def below(pid):
        for child in children(pid):
            yield child
            yield from below(child)

    for pid in below(process):
        with suppress(FileNotFoundError, ProcessLookupError), open(f"/proc/{pid}/cmdline", "rb") as file:
            if file.read().split(b"\0")[0].endswith(b"/godwit"):
                return pid
    raise AssertionError("no controller is running")


def test_a_controller_that_does_not_start_ends_its_sessions_and_not_the_campaign(begin, results, monkeypatch):
    monkeypatch.setenv("GODWIT_CONFIG", "/nowhere/godwit.toml")
    text = SMALL.replace("cycles = 2", "cycles = 2\ncontroller = ['godwit', 'os-ken']")
    output = finished(begin(text), code=1)
    assert "4 done, 4 failed" in output and "/nowhere/godwit.toml" in output
    with Store(results) as store:
        failed = [one for one in store.sessions(store.campaign()["id"]) if one["status"] == "failed"]
    assert {one["controller"] for one in failed} == {"godwit"}
    assert all("/nowhere/godwit.toml" in one["error"] for one in failed)


def test_what_cannot_be_measured_is_refused_before_anything_is(begin, results):
    text = SMALL + '[[migrations]]\ntopology = "mesh,4"\n'
    assert "no migration" in finished(begin(text), code=1)
    assert not os.path.exists(results)


@pytest.mark.parametrize("form", ["quick", "full"])
def test_what_the_evaluation_measures_can_be_measured(form):
    with open(evaluate.FORMS[form], encoding="utf-8") as file:
        definitions = parse(file.read()).definitions
    settings = {(one.controller, one.algorithm, one.topology.split(",")[1], one.rules) for one in definitions}
    sizes = {(nodes, rules) for _, _, nodes, rules in settings}
    assert {nodes for nodes, _ in sizes} == {"25", "50", "100"} and {rules for _, rules in sizes} == {1, 10, 100}
    # Whatever is measured of one controller and algorithm is measured of all.
    assert len(settings) == 6 * len(sizes)
    runs = dict.fromkeys(settings, 0)
    for one in definitions:
        runs[one.controller, one.algorithm, one.topology.split(",")[1], one.rules] += one.cycles
    assert set(runs.values()) == {100 if form == "full" else 5}
    for topology in {one.topology for one in definitions}:
        assert place_in(built(topology)).hops >= 4


def test_an_evaluation_ends_with_a_report_beside_its_figures(tmp_path, capsys):
    """Both controllers with all algorithms, on a network that is quickly up."""
    text = SMALL.replace('["clone", "freeze-copy"]', '["freeze-copy", "move", "clone"]')
    text = text.replace("cycles = 2", "cycles = 1\ncontroller = ['godwit', 'os-ken']")
    before = traces()
    assert evaluate.evaluate(text, resume=False, directory=str(tmp_path)) == 0
    assert_nothing_new(before)
    assert capsys.readouterr().out.splitlines()[-1] == str(tmp_path / "report.html")
    report = (tmp_path / "report.html").read_text()
    assert "<svg" in report or "data:image/svg" in report
    for word in ("freeze-copy", "os-ken", "held"):
        assert word in report
    assert (tmp_path / "migration-time.svg").exists() and (tmp_path / "migration-time.png").exists()
    with open(tmp_path / "samples.csv", encoding="utf-8") as file:
        assert {row["controller"] for row in csv.DictReader(file)} == {"godwit", "os-ken"}
    # Nothing is left to do, and so nothing is measured again.
    assert evaluate.evaluate(text, resume=True, directory=str(tmp_path)) == 0
    with Store(tmp_path / "results.sqlite") as store:
        assert [one["sessions"] for one in store.campaigns()] == [{"done": 6}]


def test_two_do_not_measure_into_one_file(begin, results):
    first = begin(SMALL)
    try:
        wait_until(lambda: statuses(results), 30, "the campaign begun")
        assert "another campaign is being measured" in finished(begin(SMALL), code=1)
    finally:
        first.send_signal(signal.SIGTERM)
        first.communicate()


def test_a_reader_that_has_had_enough_is_no_failure(results):
    with Store(results) as store:
        made_campaigns.fill(store, made_campaigns.begin(store, made_campaigns.text()))
    command = [sys.executable, CAMPAIGN, "export", "--results", results]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as export:
        assert export.stdout.readline().startswith("name,")
        export.stdout.close()
        assert export.stderr.read() == ""
    assert export.returncode == 128 + signal.SIGPIPE


def test_what_is_not_there_is_said(results, tmp_path):
    for command in ("list", "show", "export", "plot"):
        answer = campaign(command, "--results", results)
        assert answer.returncode == 1 and "nothing has been measured" in answer.stderr
    assert campaign("run", tmp_path / "none.toml", "--results", results).returncode == 1
    assert campaign("frobnicate").returncode == 2
    with Store(results) as store, pytest.raises(NotThere, match="no campaign of-old"):
        store.campaign("of-old")
    other = tmp_path / "other.sqlite"
    other.write_text("not a database at all, but long enough to be looked at as if it were one" * 20)
    answer = campaign("list", "--results", other)
    assert answer.returncode == 1 and "not a database" in answer.stderr
